package logs

import (
	"time"
)

// InputEvent is an event for PutLogEvents.
type InputEvent struct {
	Timestamp int64 // ms since 1970
	Message   string
}

// Rejected tells which events of a batch were not taken, by their places in it; nil is none.
type Rejected struct {
	TooNewStart *int `json:"tooNewLogEventStartIndex,omitempty"` // this one and all after it
	TooOldEnd   *int `json:"tooOldLogEventEndIndex,omitempty"`   // all before this one
	ExpiredEnd  *int `json:"expiredLogEventEndIndex,omitempty"`  // all before this one
}

// The limits of a batch. See
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
const (
	maxBatchEvents = 10_000
	maxBatchBytes  = 1 << 20
	eventOverhead  = 26 // bytes that each event counts beside its message
	maxFuture      = 2 * time.Hour
	maxPast        = 14 * 24 * time.Hour
	maxSpan        = 24 * time.Hour
)

// PutLogEvents adds a batch to a stream. It is durable when it returns; what is too old or too new
// is left out and told.
func (s *Service) PutLogEvents(groupID, name string, events []InputEvent) (*Rejected, error) {
	if len(events) == 0 || len(events) > maxBatchEvents {
		return nil, invalid("logEvents: %d events; 1 to %d", len(events), maxBatchEvents)
	}
	size := 0
	for i, e := range events {
		size += len(e.Message) + eventOverhead
		switch {
		case e.Message == "":
			return nil, invalid("logEvents[%d]: the message is empty", i)
		case e.Timestamp < 0 || e.Timestamp > maxTimestamp:
			return nil, invalid("logEvents[%d]: the timestamp %d is not in milliseconds since 1970", i, e.Timestamp)
		case i > 0 && e.Timestamp < events[i-1].Timestamp:
			return nil, invalid("Log events in a single PutLogEvents request must be in chronological order.")
		}
	}
	if size > maxBatchBytes {
		return nil, invalid("Upload too large: %d bytes exceeds limit of %d", size, maxBatchBytes)
	}
	g, err := s.group(groupID)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	st := g.streams[name]
	if st == nil {
		return nil, errNoStream()
	}
	now := time.Now()
	taken, rejected := accept(events, now, g.cutoff())
	if len(taken) == 0 {
		return rejected, nil
	}
	if span := taken[len(taken)-1].Timestamp - taken[0].Timestamp; span > maxSpan.Milliseconds() {
		return nil, invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
	}
	b := batch{}
	for _, e := range taken {
		b.add(time.UnixMilli(e.Timestamp))
		b.data = now.UTC().AppendFormat(append(b.data, ' '), timestamp)
		b.text([]byte(e.Message))
	}
	b.ingested = now.UnixMilli()
	defer g.prune()
	st.mu.Lock()
	defer st.mu.Unlock()
	if err := st.write(&b, g.half()); err != nil {
		return nil, err
	}
	return rejected, st.release()
}

// maxTimestamp is the last that has four digits for its year.
const maxTimestamp = 253402300799999

// accept leaves out what is too old or too new.
func accept(events []InputEvent, now time.Time, cutoff int64) ([]InputEvent, *Rejected) {
	var r Rejected
	old, expired, end := 0, 0, len(events)
	for i, e := range events {
		switch {
		case e.Timestamp < now.Add(-maxPast).UnixMilli():
			old = i + 1
		case e.Timestamp < cutoff:
			expired = i + 1
		case e.Timestamp > now.Add(maxFuture).UnixMilli():
			end = min(end, i)
		}
	}
	if old > 0 {
		r.TooOldEnd = &old
	}
	if expired > 0 {
		r.ExpiredEnd = &expired
	}
	if end < len(events) {
		r.TooNewStart = &end
	}
	if r == (Rejected{}) {
		return events, nil
	}
	return events[min(max(old, expired), end):end], &r
}
