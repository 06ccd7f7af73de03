package lambda

import "testing"

// An environment may become idle when the freezer has ended, which it was perhaps told of others before.
func TestTheEndedFreezerIsTold(t *testing.T) {
	t.Parallel()
	f := newFreezer()
	f.close()
	for range 3 {
		f.waiting = true
		f.add(&environment{function: &function{counters: &counters{}}}, 0) // it returns
	}
}
