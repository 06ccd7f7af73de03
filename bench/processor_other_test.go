//go:build !linux

package bench

import (
	"os/exec"
	"testing"
)

// startOnOne cannot be done here.
func startOnOne(b *testing.B, _ *exec.Cmd) error {
	b.Helper()
	b.Skip("only Linux gives a process one processor")
	return nil
}
