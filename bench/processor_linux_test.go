package bench

import (
	"os/exec"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// startOnOne starts a process that has one processor, the last of ours, as a function of 1,769 MB or less
// has on Lambda.
//
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
func startOnOne(b *testing.B, c *exec.Cmd) error {
	b.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return err
	}
	for n := 0; one.Count() == 0 || n < all.Count(); n++ {
		if all.IsSet(n) {
			one.Zero()
			one.Set(n)
		}
	}
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return err
	}
	err := c.Start()
	if back := unix.SchedSetaffinity(0, &all); back != nil {
		b.Fatal(back)
	}
	return err
}
