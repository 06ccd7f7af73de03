package load

import (
	"runtime"
	"syscall"
	"time"
)

// spin is what the kernel sleeps too long: by default it takes 50 µs more than it was told
// (PR_SET_TIMERSLACK in prctl(2)), and the thread has to be scheduled.
const spin = 90 * time.Microsecond

// nap sleeps for a few milliseconds at most, until just before the end, and leaves the rest to
// a loop. time.Sleep is half a millisecond late here, since the runtime waits for timers in
// epoll, which counts in milliseconds; that would be as long as some of the answers.
func nap(d time.Duration) {
	// Others may use this thread's processor meanwhile.
	runtime.Gosched()
	if d > spin {
		ts := syscall.NsecToTimespec(int64(d - spin))
		// A signal that ends it early costs a turn of the caller's loop.
		_ = syscall.Nanosleep(&ts, nil)
	}
}
