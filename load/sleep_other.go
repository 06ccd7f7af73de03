//go:build !linux

package load

import "time"

// nap sleeps for a few milliseconds at most.
func nap(d time.Duration) { time.Sleep(d) }
