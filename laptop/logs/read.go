package logs

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// Query says which events of a group FilterLogEvents shall find. Zero fields ask for all.
type Query struct {
	Group   string   // name or ARN
	Streams []string // names, at most 100; or else
	Prefix  string   // of streams' names
	// Start and End are ms since 1970, both included. End 0 is no end.
	Start, End int64
	// Pattern is a filter pattern, see ParsePattern.
	Pattern string
	// Limit is how many events a page may have: 1 to 10,000, which 0 means too.
	Limit int
	// Descending finds the latest first.
	Descending bool
	// Token is Page.Next of the page before; the rest of the query must be the same.
	Token string
}

// Page is a page of events. It may be short, or even empty, and still have a next one.
type Page struct {
	Events []Event
	Next   string // the token of the next page; empty after the last
}

// FilterLogEvents finds events in all streams of a group, in the order of their times. Its errors
// are AWS's: ResourceNotFoundException for the group, InvalidParameterException for the rest of
// the query. See
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
func (s *Service) FilterLogEvents(ctx context.Context, q Query) (Page, error) {
	if q.Streams != nil && q.Prefix != "" {
		return Page{}, invalid("logStreamNames and logStreamNamePrefix exclude each other")
	}
	if len(q.Streams) > 100 {
		return Page{}, invalid("logStreamNames: %d names; at most 100", len(q.Streams))
	}
	limit, err := checkLimit(q.Limit, pageEvents)
	if err != nil {
		return Page{}, err
	}
	pattern, err := ParsePattern(q.Pattern)
	if err != nil {
		return Page{}, err
	}
	g, err := s.group(q.Group)
	if err != nil {
		return Page{}, err
	}
	sought := search{ctx: ctx, streams: g.choose(q.Streams, q.Prefix), to: math.MaxInt64, descending: q.Descending,
		matches: pattern.Match, limit: limit}
	g.mu.Lock()
	sought.from = max(q.Start, g.cutoff())
	g.mu.Unlock()
	if q.End != 0 {
		sought.to = q.End
	}
	if q.Token != "" {
		t, err := parsePageToken(q)
		if err != nil {
			return Page{}, err
		}
		sought.at, sought.descending = &key{t.Time, t.Stream, t.Place}, t.Descending
	}
	out, err := sought.run()
	if err != nil {
		return Page{}, err
	}
	page := Page{Events: out.events}
	if out.next != nil {
		page.Next = newPageToken(q, *out.next, sought.descending)
	}
	return page, nil
}

func checkLimit(limit, most int) (int, error) {
	switch {
	case limit == 0:
		return most, nil
	case limit < 0 || limit > most:
		return 0, invalid("limit %d: 1 to %d", limit, most)
	}
	return limit, nil
}

// pageToken is where a page begins, and the query that it belongs to.
type pageToken struct {
	Time       int64  `json:"t"`
	Stream     string `json:"s"`
	Place      int64  `json:"p"`
	Descending bool   `json:"d,omitempty"`
	Query      uint64 `json:"q"`
}

// identity tells queries apart. The direction is the token's own.
func (q Query) identity() uint64 {
	h := fnv.New64a()
	// A hash's Write never fails.
	_, _ = fmt.Fprintf(h, "%q %q %q %d %d %q", q.Group, q.Streams, q.Prefix, q.Start, q.End, q.Pattern)
	return h.Sum64()
}

func newPageToken(q Query, at key, descending bool) string {
	data, err := json.Marshal(pageToken{at.time, at.stream, at.place, descending, q.identity()})
	if err != nil {
		panic(err) // strings and numbers marshal always
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

func parsePageToken(q Query) (t pageToken, err error) {
	data, err := base64.RawURLEncoding.DecodeString(q.Token)
	if err == nil {
		err = json.Unmarshal(data, &t)
	}
	if err != nil || t.Query != q.identity() {
		return t, invalid("The specified nextToken is invalid.")
	}
	return t, nil
}

// StreamQuery says which events of a stream GetLogEvents shall return.
type StreamQuery struct {
	Group, Stream string
	// Start and End are ms since 1970; Start is included, End is not. End 0 is no end.
	Start, End int64
	Limit      int // 1 to 10,000, which 0 means too
	FromHead   bool
	Token      string
}

// StreamPage is a page of a stream's events and the tokens of the pages around it. At the end of
// the stream a token is the one that was given.
type StreamPage struct {
	Events            []Event
	Forward, Backward string
}

// GetLogEvents returns a stream's events in the order of their times: the latest, the earliest, or
// those around a token. See
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html
func (s *Service) GetLogEvents(ctx context.Context, q StreamQuery) (StreamPage, error) {
	limit, err := checkLimit(q.Limit, pageEvents)
	if err != nil {
		return StreamPage{}, err
	}
	g, err := s.group(q.Group)
	if err != nil {
		return StreamPage{}, err
	}
	streams := g.choose([]string{q.Stream}, "")
	if len(streams) == 0 {
		return StreamPage{}, errNoStream()
	}
	sought := search{ctx: ctx, streams: streams, to: math.MaxInt64, descending: !q.FromHead, limit: limit}
	g.mu.Lock()
	sought.from = max(q.Start, g.cutoff())
	g.mu.Unlock()
	if q.End != 0 {
		sought.to = q.End - 1
	}
	// Where there is nothing, both tokens stand before whatever comes.
	first := key{stream: q.Stream}
	if q.Token != "" {
		if first, sought.descending, err = parseStreamToken(q); err != nil {
			return StreamPage{}, err
		}
		sought.after = &first
	}
	last := first
	out, err := sought.run()
	if err != nil {
		return StreamPage{}, err
	}
	if sought.descending {
		slices.Reverse(out.events)
	}
	switch n := len(out.events); {
	case n > 0:
		first, last = out.events[0].key, out.events[n-1].key
	case q.Token != "" && sought.descending: // the other way, the token's own event is met again
		last.place--
	case q.Token != "":
		first.place++
	}
	return StreamPage{Events: out.events, Forward: streamToken("f", last), Backward: streamToken("b", first)}, nil
}

func streamToken(direction string, k key) string {
	return fmt.Sprintf("%s/%014d%022d/s", direction, k.time, k.place)
}

func parseStreamToken(q StreamQuery) (k key, descending bool, err error) {
	parts := strings.Split(q.Token, "/")
	if len(parts) == 3 && len(parts[1]) == 36 && (parts[0] == "f" || parts[0] == "b") && parts[2] == "s" {
		time, terr := strconv.ParseInt(parts[1][:14], 10, 64)
		place, perr := strconv.ParseInt(parts[1][14:], 10, 64)
		if terr == nil && perr == nil {
			return key{time, q.Stream, place}, parts[0] == "b", nil
		}
	}
	return k, false, awsproto.Errorf("InvalidParameterException", "The specified nextToken is invalid.")
}

// eventID is made of what tells an event from all others.
func eventID(k key) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(k.stream)) // never fails
	return fmt.Sprintf("%014d%020d%022d", k.time, h.Sum64(), k.place)
}
