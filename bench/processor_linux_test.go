package bench

import (
	"os/exec"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// startOnOne starts a process that has one processor, the last of ours, so that what its threads do beside
// each other is done one after the other. Lambda has no such environment: at 1,769 MB a function has the
// equivalent of one vCPU, and less below, but as time on two or more.
//
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
// https://github.com/rwnx/lambda-cpuinfo (what /proc/cpuinfo shows there, by memory)
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
