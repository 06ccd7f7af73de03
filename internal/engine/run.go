package engine

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// Error is a run of an engine that failed.
type Error struct {
	// Command is what was run, without options: "docker buildx build".
	Command string
	// Last are the last lines of what it said.
	Last []string
	// Err is why it counts as failed: an *exec.ExitError, or why the context ended.
	Err error
}

func (e *Error) Error() string {
	return strings.Join(append([]string{fmt.Sprintf("%s: %v", e.Command, e.Err)}, e.Last...), "\n")
}

func (e *Error) Unwrap() error { return e.Err }

// patience is how long an engine has to end after it was interrupted, in which it takes away what it has begun.
const patience = 10 * time.Second

// run runs the engine to its end. What it says is kept for an error; a build is silent otherwise.
func (e *Engine) run(ctx context.Context, stdin string, args ...string) error {
	said := &tail{}
	cmd := exec.CommandContext(ctx, e.path, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), said, said
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = patience
	err := cmd.Run()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return &Error{Command: e.Name + " " + verb(args), Last: said.lines(), Err: err}
}

// verb are the words before the first option.
func verb(args []string) string {
	n := 0
	for n < len(args) && n < 2 && !strings.HasPrefix(args[n], "-") {
		n++
	}
	return strings.Join(args[:n], " ")
}

// kept is how many bytes of what an engine says are kept, and told how many lines.
const kept, told = 8 << 10, 15

// tail keeps the end of what is written. Standard output and error are the same file to the engine, so
// that the lines are in their order.
type tail struct {
	mu  sync.Mutex
	end []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = append(t.end, p...)
	t.end = t.end[max(0, len(t.end)-kept):]
	return len(p), nil
}

// lines are the last ones that are not empty.
func (t *tail) lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var lines []string
	for line := range strings.SplitSeq(string(t.end), "\n") {
		// A progress bar goes back to the line's beginning; what it came to is what is behind.
		line = strings.TrimRight(line, "\r \t")
		line = line[strings.LastIndexByte(line, '\r')+1:]
		if strings.TrimSpace(line) != "" {
			lines = append(lines, line)
		}
	}
	return lines[max(0, len(lines)-told):]
}
