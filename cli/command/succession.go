package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ephor-io/ephor/function"
	"github.com/ephor-io/ephor/internal/guard"
)

// toldError is an error that a successor has told of.
type toldError struct{ text string }

func (e *toldError) Error() string { return e.text }

// ask runs the successor at path and returns what it says. Until it touches stacks it also ends with
// patience; afterwards with ctx alone, since a change of a stack that nobody waits for goes on by itself.
func (s *session) ask(ctx, patience context.Context, path string, c converging) (*application, error) {
	request, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var converging atomic.Bool
	defer context.AfterFunc(patience, func() {
		if !converging.Load() {
			cancel(context.Cause(patience))
		}
	})()
	words, theirs, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("asking the program as it is now: %w", err)
	}
	defer words.Close()
	lines := &lines{say: func(line string) { s.terminal.sayf("%s", plain(line)) }}
	cmd := exec.CommandContext(ctx, path, successorCommand)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(request), lines, lines
	cmd.ExtraFiles = []*os.File{theirs}
	ended := make(chan error, 1)
	go func() {
		err := guarded(cmd)
		theirs.Close()
		ended <- err
	}()
	var last word
	for d := json.NewDecoder(words); ; {
		var w word
		if err = d.Decode(&w); err != nil {
			break
		}
		if w.Converging {
			converging.Store(true)
		} else {
			last = w
		}
	}
	exit := <-ended
	lines.flush()
	switch {
	case last.Application != nil:
		return last.Application, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case last.Error != "" && last.Hint != "":
		return nil, hinted(&toldError{last.Error}, last.Hint)
	case last.Error != "":
		return nil, &toldError{last.Error}
	case !errors.Is(err, io.EOF):
		return nil, fmt.Errorf("asking the program as it is now: %w", err)
	case exit == nil:
		return nil, errors.New("the program as it is now ends without a word: does its main come to cli.Main?")
	}
	return nil, fmt.Errorf("the program as it is now does not come to its cli.Main: %w: %s", exit, lines.first)
}

// functionsIn are the names of the functions in a deployed binary.
func functionsIn(ctx context.Context, path string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, path)
	cmd.Env = append(os.Environ(), function.ListVariable+"=1")
	cmd.Stdout = &out
	if err := guarded(cmd); err != nil {
		return nil, fmt.Errorf("asking %s for its functions: %w", path, err)
	}
	return strings.Fields(out.String()), nil
}

// guarded runs cmd in a process group that ends with this process, however that ends. When cmd's context ends,
// the group is told to end, and has some seconds to.
func guarded(cmd *exec.Cmd) error {
	g, err := guard.Start()
	if err != nil {
		return err
	}
	defer g.Close()
	group := g.Group()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: group}
	cmd.Cancel = func() error { return syscall.Kill(-group, syscall.SIGTERM) }
	cmd.WaitDelay = drain
	return cmd.Run()
}

// lines tells text line by line.
type lines struct {
	say   func(line string)
	first string // the first that is not empty
	rest  []byte
}

// longest is the length of a line that is told in pieces.
const longest = 1 << 16

func (l *lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		i := bytes.IndexByte(l.rest, '\n')
		if i < 0 && len(l.rest) < longest {
			return len(p), nil
		}
		if i < 0 {
			l.tell(l.rest)
			l.rest = nil
			return len(p), nil
		}
		l.tell(l.rest[:i])
		l.rest = l.rest[i+1:]
	}
}

func (l *lines) tell(line []byte) {
	text := strings.TrimRight(string(line), "\r")
	if l.first == "" {
		l.first = strings.TrimSpace(text)
	}
	l.say(text)
}

// flush tells what has no end of its line.
func (l *lines) flush() {
	if len(l.rest) > 0 {
		l.tell(l.rest)
		l.rest = nil
	}
}
