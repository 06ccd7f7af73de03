package gotool

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// WithGoRun is ctx, cancelled also when the `go run` that started this program ends before it.
// Started in any other way, the program lives as long as it likes.
//
// `go run` passes on no signal, and kill -9 leaves it no chance to. An orphan is given another
// parent, which is asked for ten times a second: unlike the kernel's signal on a parent's death,
// that does not depend on which of the parent's threads started us.
func WithGoRun(ctx context.Context) (context.Context, context.CancelFunc) {
	parent := os.Getppid()
	ctx, cancel := context.WithCancelCause(ctx)
	if !isGo(parent) {
		return ctx, func() { cancel(nil) }
	}
	go func() {
		t := time.NewTicker(100 * time.Millisecond)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-t.C:
				if os.Getppid() != parent {
					cancel(&GoRunGone{parent})
				}
			}
		}
	}()
	return ctx, func() { cancel(nil) }
}

// GoRunGone is why a program ends whose `go run` has ended before it.
type GoRunGone struct{ pid int }

func (e *GoRunGone) Error() string {
	return fmt.Sprintf("the go run that started this program, process %d, is gone", e.pid)
}

// isGo reports whether the process is the go command.
func isGo(pid int) bool {
	if name, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm"); err == nil {
		return strings.TrimSpace(string(name)) == "go"
	}
	out, err := exec.Command("ps", "-o", "comm=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && filepath.Base(strings.TrimSpace(string(out))) == "go"
}
