package metrics

// A batch is what one flush cut. Its bytes never change: sent twice, it is stored once.
type batch struct {
	body   []byte
	points int
	sent   int // how often it was sent without an answer
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
