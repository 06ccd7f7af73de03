package metrics

import (
	"bytes"
)

// A batch is what one flush cut. Its bytes never change: sent twice, it is stored once.
type batch struct {
	body   []byte
	points int
	sent   int // how often it was sent without an answer
	// splits is how many more times it and its parts may be split, once it is a part; the parts
	// of one batch share it.
	splits *int
}

// maxSplits bounds the requests that a batch the store refuses may cost. Splitting finds one bad
// point among a thousand with ten; with a hundred, several.
const maxSplits = 100

// split cuts a batch that the store refused as a whole into two, so that its good points get
// through; ok is false if there is nothing to split or it has been done often enough.
func (b *batch) split() (first, second *batch, ok bool) {
	if b.points < 2 || b.splits != nil && *b.splits == 0 {
		return nil, nil, false
	}
	if b.splits == nil {
		n := maxSplits
		b.splits = &n
	}
	*b.splits--
	end := 0
	for range b.points / 2 {
		end += bytes.IndexByte(b.body[end:], '\n') + 1
	}
	first = &batch{body: b.body[:end:end], points: b.points / 2, splits: b.splits}
	second = &batch{body: b.body[end:], points: b.points - b.points/2, splits: b.splits}
	return first, second, true
}

// A queue holds the batches that the store has not acknowledged, in the order of their cutting
// and within a bound on their bytes.
type queue struct {
	limit   int
	batches []*batch
	bytes   int
	// sending is the batch on its way, which is the oldest and must not be dropped: it may have
	// arrived.
	sending *batch
}

// push adds a batch and returns the number of points in those that had to make room for it. The
// newest batch always stays.
func (q *queue) push(b *batch) (dropped int) {
	q.batches = append(q.batches, b)
	q.bytes += len(b.body)
	for q.bytes > q.limit {
		oldest := q.batches[0]
		if oldest == q.sending {
			oldest = q.batches[1]
		}
		if oldest == b {
			break
		}
		q.remove(oldest)
		dropped += oldest.points
	}
	return dropped
}

// take marks the oldest batch as on its way and returns it, nil if there is none.
func (q *queue) take() *batch {
	q.sending = nil
	if len(q.batches) > 0 {
		q.sending = q.batches[0]
	}
	return q.sending
}

// done ends what take began; gone says that the batch needs no sending any more.
func (q *queue) done(b *batch, gone bool) {
	q.sending = nil
	if gone {
		q.remove(b)
	}
}

// replace puts parts where a batch was, of the same bytes altogether.
func (q *queue) replace(b *batch, parts ...*batch) {
	q.sending = nil
	for i := range q.batches {
		if q.batches[i] == b {
			q.batches = append(q.batches[:i:i], append(parts, q.batches[i+1:]...)...)
			return
		}
	}
}

func (q *queue) remove(b *batch) {
	for i := range q.batches {
		if q.batches[i] == b {
			copy(q.batches[i:], q.batches[i+1:])
			q.batches[len(q.batches)-1] = nil
			q.batches = q.batches[:len(q.batches)-1]
			q.bytes -= len(b.body)
			return
		}
	}
}
