package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/ephor-io/ephor/deploy"
)

// A successor is this program built anew from a source that has changed, run by the up that goes on. Only a
// process of the new program has the new hooks, so it is the one that converges the stacks; what the
// application is now it tells as data:
//
//	up ── stdin: converging ──▶ successor ── CloudFormation's API, hooks' calls ──▶ up's laptop
//	up ◀── file 3: words ────── successor
//	terminal ◀── stdout, stderr, line by line

// successorCommand is the command that up runs it with.
const successorCommand = "succeed"

// word is one thing that a successor says.
type word struct {
	// Converging says that the stacks are touched from now on.
	Converging bool `json:"converging,omitempty"`
	// Application is the last word, if all went well.
	Application *application `json:"application,omitempty"`
	// Error is the last word otherwise, with a hint if there is one.
	Error string `json:"error,omitempty"`
	Hint  string `json:"hint,omitempty"`
}

func (p *program) successorCommand() *cobra.Command {
	return &cobra.Command{
		Use:    successorCommand,
		Short:  "Converge the stacks of a running up; up itself calls it",
		Hidden: true,
		RunE: func(c *cobra.Command, _ []string) error {
			up := os.NewFile(3, "up")
			if info, err := up.Stat(); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
				return usage(c, errors.New("up alone calls this command"))
			}
			return errors.Join(p.succeed(c.Context(), p.stdin, up), up.Close())
		},
	}
}

// succeed converges what from says, and tells to how it went. Its own error is that it could not be told.
func (p *program) succeed(ctx context.Context, from io.Reader, to io.Writer) error {
	var c converging
	if err := json.NewDecoder(from).Decode(&c); err != nil {
		return fmt.Errorf("reading what up asks: %w", err)
	}
	t := newTerminal(p.stderr)
	said := json.NewEncoder(to)
	var lost error
	a, err := p.converge(ctx, c, func(e deploy.Event) {
		if isNews(e) {
			t.show(e)
		}
	}, func() { lost = said.Encode(word{Converging: true}) })
	t.close()
	last := word{Application: a}
	if err != nil {
		err = p.deployError(target{name: targetLaptop, endpoint: c.Endpoint}, err)
		last = word{Error: err.Error()}
		var hinted *Error
		if errors.As(err, &hinted) {
			last.Hint = hinted.Hint
		}
	}
	return errors.Join(lost, said.Encode(last))
}

// isNews: a stack that nothing changes in is none where up has just changed the code.
func isNews(e deploy.Event) bool {
	done, ok := e.(deploy.StackDone)
	return !ok || !done.Unchanged
}
