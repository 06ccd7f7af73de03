package lambda

import "time"

// maxPatience bounds how long a request waits for an environment that has answered and is about to be ready.
const maxPatience = 50 * time.Millisecond

// wanted is how many of the waiting requests want an environment to be started. While more have answered and
// finish, by sending a batch of metrics, say, than there are requests in flight, a request waits for one of
// those, as long as the start of another takes. With fewer the requests would wait in turn for ever: each
// has use for one environment that runs and one that finishes. The caller holds f.mu.
func (f *function) wanted() int {
	n := len(f.waiters)
	finishing := int(f.finishing.Load())
	running := max(0, len(f.live)-f.starting-finishing-len(f.idle))
	coming := finishing - running - n
	if n == 0 || coming <= 0 {
		return n
	}
	now := time.Now()
	impatient := 0
	for impatient < n && now.Sub(f.waiters[impatient].at) >= f.patience {
		impatient++
	}
	wanted := max(impatient, n-coming)
	if wanted < n && !f.lookAgain {
		f.lookAgain = true
		time.AfterFunc(f.patience-now.Sub(f.waiters[impatient].at), func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.lookAgain = false
			f.balance()
		})
	}
	return wanted
}

// finishes counts e as finishing, until finished: it has answered.
func (f *function) finishes(e *environment) {
	if !e.finishing.Swap(true) {
		f.finishing.Add(1)
	}
}

func (f *function) finished(e *environment) {
	if e.finishing.Swap(false) {
		f.finishing.Add(-1)
	}
}
