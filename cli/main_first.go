//go:build !ephor_host && !ephor_lambda

package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/internal/gotool"
)

// Main runs the command that the program was called with and exits with its status: 0 done,
// 1 failed, 2 wrong usage, 3 an expectation not met.
func Main(*ephor.App) {
	path, err := buildHost()
	if err == nil {
		err = fmt.Errorf("running %s: %w", path, syscall.Exec(path, os.Args, os.Environ()))
	}
	fmt.Fprintf(os.Stderr, "error: %v\n", err)
	if hint := hint(err); hint != "" {
		fmt.Fprintf(os.Stderr, "  try: %s\n", hint)
	}
	os.Exit(1)
}

// buildHost builds this program as it is on the host, and returns where it lies.
func buildHost() (string, error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	ctx, cancel := gotool.WithGoRun(ctx)
	defer cancel()
	// With a warm cache this is over in a fraction of a second, and silent.
	building := time.AfterFunc(2*time.Second, func() {
		fmt.Fprintln(os.Stderr, "building the commands and the laptop; the next time they are in Go's cache")
	})
	defer building.Stop()
	return gotool.Again(ctx, "ephor_host")
}

// hint is what to do about an error of the build, "" where it says so itself.
func hint(err error) string {
	var failed *gotool.Error
	switch {
	case errors.Is(err, gotool.ErrFromFiles):
		return strings.Join(append([]string{"go run ."}, os.Args[1:]...), " ")
	case errors.Is(err, gotool.ErrNoGo):
		return "or build the program where Go is with -tags ephor_host: that one does without"
	case errors.As(err, &failed) && strings.Contains(failed.Output, "no required module provides package"), errors.As(err, &failed) && strings.Contains(failed.Output, "go.mod file not found"):
		return "the same in the folder of the program's go.mod, or below it"
	}
	return ""
}
