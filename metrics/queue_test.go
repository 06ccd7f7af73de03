package metrics

import "testing"

// A batch that is on its way may have arrived: it stays, and the one behind it makes room.
func TestTheBatchOnItsWayStays(t *testing.T) {
	t.Parallel()
	q := queue{limit: 10}
	batch := func(points int) *batch { return &batch{body: []byte("12345"), points: points} }
	q.push(batch(1))
	q.push(batch(2))
	first := q.take()
	if dropped := q.push(batch(3)); dropped != 2 {
		t.Errorf("%d points were dropped, want those of the second batch", dropped)
	}
	if len(q.batches) != 2 || q.batches[0] != first || q.batches[1].points != 3 || q.bytes != 10 {
		t.Errorf("%d batches of %d bytes are left", len(q.batches), q.bytes)
	}
	q.done(first, false)
	if dropped := q.push(batch(4)); dropped != 1 {
		t.Errorf("%d points were dropped, want those of the first batch, which is not on its way any more", dropped)
	}
	q = queue{limit: 1} // one that is greater than the limit stays as well
	if dropped := q.push(batch(1)); dropped != 0 || len(q.batches) != 1 {
		t.Errorf("%d points were dropped", dropped)
	}
}
