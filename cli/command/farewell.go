package command

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ephor-io/ephor/deploy"
)

// farewell says what a deletion takes with it and what it leaves behind, and asks whether it shall be. Its
// error is the answer no, or what makes the deletion impossible.
func (p *program) farewell(ctx context.Context, d *deploying, f deleteFlags, stacks []deploy.State) error {
	var names []string
	for _, s := range stacks {
		names = append(names, s.Name)
	}
	holdings, err := d.Holdings(ctx, names...)
	if err != nil {
		return p.deployError(f.target, err)
	}
	var full []deploy.Holding
	for _, s := range stacks {
		d.terminal.sayf("stack %s:", s.Name)
		p.sayMetrics(ctx, d, f.target, s)
		for _, h := range holdings {
			if h.Stack != s.Name || f.target.name == targetLaptop && h.Type == "AWS::EC2::Volume" { // a record here
				continue
			}
			d.terminal.sayf("  %s", farewellLine(h))
			if h.Blocks {
				full = append(full, h)
			}
		}
	}
	if len(full) > 0 {
		return hinted(fmt.Errorf("bucket %s of stack %s holds %s, and CloudFormation deletes no bucket that holds something; nothing was deleted", full[0].ID, full[0].Stack, full[0].Amount),
			"emptying it, with all versions, and the same again: aws s3 rm s3://"+full[0].ID+" --recursive"+f.target.place())
	}
	if err := p.sayArtifacts(ctx, d, f); err != nil {
		return err
	}
	d.terminal.flush()
	if f.yes || !isTerminal(p.stdin) || !isTerminal(p.stderr) {
		return nil
	}
	return p.confirm(ctx)
}

// farewellLine is a holding as a person is told of it.
func farewellLine(h deploy.Holding) string {
	what := "goes: "
	if h.Stays {
		what = "stays: "
	}
	what += h.Type + " " + cmp.Or(h.LogicalID, h.ID)
	if h.LogicalID != "" && h.LogicalID != h.ID {
		what += " (" + h.ID + ")"
	}
	switch {
	case h.Unknown != "":
		return what + ": what it holds could not be asked for: " + h.Unknown
	case h.Amount != "":
		return what + ": " + h.Amount
	}
	return what
}

// sayMetrics tells how many invocations a monitoring stack has recorded. On AWS they are on a volume, which
// the stack's template retains; the laptop deletes its store.
func (p *program) sayMetrics(ctx context.Context, d *deploying, t target, s deploy.State) {
	g, ok := p.app.Monitoring()
	if !ok || s.Name != g.Stack {
		return
	}
	what := "goes: the metrics"
	if t.name == targetAWS {
		what = "stays, on the volume: the metrics"
	}
	at, err := storeOf(s.Outputs)
	if err == nil {
		at.client = &http.Client{Transport: at.client.Transport, Timeout: 10 * time.Second}
		var n int64
		if n, err = at.number(ctx, `SELECT count("duration_ms") FROM "invocation"`); err == nil {
			d.terminal.sayf("  %s, %s", what, plural(int(n), "recorded invocation"))
			return
		}
	}
	d.terminal.sayf("  %s; how many could not be asked for: %v", what, err)
}

// sayArtifacts tells what becomes of the artifact bucket and of the repository of the images.
func (p *program) sayArtifacts(ctx context.Context, d *deploying, f deleteFlags) error {
	name, amount, err := d.Artifacts(ctx, p.app.Name())
	if err := p.sayArtifact(d, f, "artifact bucket", name, amount, err); err != nil || !p.hasRepository(f.target) {
		return err
	}
	name, amount, err = d.Images(ctx, p.app.Name())
	return p.sayArtifact(d, f, "repository", name, amount, err)
}

// sayArtifact tells of one of them what Artifacts or Images has said.
func (p *program) sayArtifact(d *deploying, f deleteFlags, what, name, amount string, err error) error {
	switch {
	case err != nil && f.artifacts:
		return p.deployError(f.target, err)
	case err != nil:
		d.terminal.sayf("the %s stays, if there is one: %v", what, err)
	case amount == "" && f.artifacts:
		d.terminal.sayf("%s %s: does not exist", what, name)
	case amount == "":
	case f.artifacts:
		d.terminal.sayf("goes: %s %s: %s", what, name, amount)
	default:
		d.terminal.sayf("stays: %s %s: %s (--artifacts deletes it)", what, name, amount)
	}
	return nil
}

// confirm asks on the terminal. Anything but yes is no, and so is the end of the input.
func (p *program) confirm(ctx context.Context) error {
	fmt.Fprint(p.stderr, "Delete? [y/N] ")
	answered := make(chan string, 1)
	go func() {
		line, err := bufio.NewReader(p.stdin).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			line = ""
		}
		answered <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(p.stderr)
		return errors.New("interrupted; nothing was deleted")
	case answer := <-answered:
		if answer == "y" || answer == "yes" {
			return nil
		}
	}
	return hinted(errors.New("nothing was deleted"), "the same with --yes, which does not ask")
}

// isTerminal says whether f is a terminal; /dev/null, which is a device too, is none.
func isTerminal(f any) bool {
	file, ok := f.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetWinsize(int(file.Fd()), unix.TIOCGWINSZ)
	return err == nil
}
