package command

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/ephor-io/ephor/deploy"
	"github.com/ephor-io/ephor/laptop"
)

// terminal shows events to a person. It has a goroutine of its own, so that a slow terminal holds
// up nobody: what does not fit into its queue is counted and said.
type terminal struct {
	w      io.Writer
	queue  chan any
	missed atomic.Int64
	again  again

	ending sync.Once
	end    chan struct{} // closed when no more is shown
	done   chan struct{} // closed when all is printed
}

func newTerminal(w io.Writer) *terminal {
	t := &terminal{w: w, queue: make(chan any, 1000), end: make(chan struct{}), done: make(chan struct{})}
	go t.run()
	return t
}

// run prints what is queued until the end, and then what is left.
func (t *terminal) run() {
	defer close(t.done)
	for {
		select {
		case e := <-t.queue:
			t.print(e)
			continue
		case <-t.end:
		}
		for {
			select {
			case e := <-t.queue:
				t.print(e)
			default:
				t.sayMissed()
				t.sayAgain()
				return
			}
		}
	}
}

// show queues an event. It never blocks and may be called from anywhere, also after close.
func (t *terminal) show(e any) {
	select {
	case t.queue <- e:
	default:
		t.missed.Add(1)
	}
}

// close prints what is queued and returns when that is done, or after a second: a terminal that
// takes nothing must not keep the program from ending.
func (t *terminal) close() {
	t.ending.Do(func() { close(t.end) })
	select {
	case <-t.done:
	case <-time.After(time.Second):
	}
}

// flush returns when all that was shown before it is printed, or after a second.
func (t *terminal) flush() {
	printed := make(flushed)
	limit := time.After(time.Second)
	select {
	case t.queue <- printed:
	case <-t.done:
		return
	case <-limit:
		return
	}
	select {
	case <-printed:
	case <-t.done:
	case <-limit:
	}
}

// flushed is closed by the printer when it comes to it.
type flushed chan struct{}

func (t *terminal) sayMissed() {
	if missed := t.missed.Swap(0); missed > 0 {
		fmt.Fprintf(t.w, "… %d lines came too fast to be shown; the logs have them\n", missed)
	}
}

// say is a line of text for the terminal.
type say string

func (t *terminal) sayf(format string, args ...any) { t.show(say(fmt.Sprintf(format, args...))) }

func (t *terminal) print(e any) {
	if f, ok := e.(flushed); ok {
		close(f)
		return
	}
	t.sayMissed()
	line := render(e)
	if _, ok := e.(laptop.Problem); ok {
		if t.again.is(line) {
			return
		}
		t.sayAgain()
		t.again = again{line: line, since: time.Now()}
	}
	if line != "" {
		fmt.Fprintln(t.w, line)
	}
}

// again is the last problem that was printed. A disk that is full says the same with every write:
// within repeatEvery that is counted and not printed.
type again struct {
	line  string
	since time.Time
	times int
}

const repeatEvery = 30 * time.Second

// is reports whether line only says again what has just been said, and counts it then.
func (a *again) is(line string) bool {
	same := line == a.line && time.Since(a.since) < repeatEvery
	if same {
		a.times++
	}
	return same
}

func (t *terminal) sayAgain() {
	if n := t.again.times; n > 0 {
		t.again.times = 0
		fmt.Fprintf(t.w, "  … and %d times more: %s\n", n, t.again.line)
	}
}

// render is an event as a line, "" for one that a person does not want to see.
func render(e any) string {
	switch e := e.(type) {
	case say:
		return string(e)
	case deploy.Built:
		return fmt.Sprintf("built %s, %s, in %s", e.Package, megabytes(e.Size), short(e.Took))
	case deploy.Uploaded:
		if e.Cached {
			return ""
		}
		return fmt.Sprintf("uploaded %s in %s", megabytes(e.Size), short(e.Took))
	case deploy.BucketMade:
		return "made the artifact bucket " + e.Bucket
	case deploy.BucketDeleted:
		return "deleted the artifact bucket " + e.Bucket
	case deploy.RepositoryMade:
		return "made the repository " + e.Repository
	case deploy.RepositoryDeleted:
		return "deleted the repository " + e.Repository
	case deploy.ImageBuilding:
		return fmt.Sprintf("building the image for %s with %s", e.Platform, e.Engine)
	case deploy.ImageBuilt:
		return fmt.Sprintf("built the image in %s; pushing it", short(e.Took))
	case deploy.ImagePushed:
		if e.Cached {
			return ""
		}
		return fmt.Sprintf("pushed %s in %s", megabytes(e.Size), short(e.Took))
	case deploy.Waiting:
		return fmt.Sprintf("stack %s: it is %s already, which is waited for", e.Stack, e.Status)
	case deploy.CodeUpdated:
		if e.Unchanged {
			return ""
		}
		return fmt.Sprintf("function %s: new code in %s", e.Function, short(e.Took))
	case deploy.StackStarted:
		if e.Action == deploy.ActionDelete {
			return "stack " + e.Stack + ": delete"
		}
		if len(e.Changes) == 0 {
			return fmt.Sprintf("stack %s: %s; outputs or tags alone", e.Stack, e.Action)
		}
		return fmt.Sprintf("stack %s: %s, %s", e.Stack, e.Action, plural(len(e.Changes), "change"))
	case deploy.ResourceChanged:
		return renderResource(e)
	case deploy.StackDone:
		if e.Unchanged {
			return "stack " + e.Stack + ": unchanged"
		}
		return fmt.Sprintf("stack %s: done in %s", e.Stack, short(e.Took))
	case laptop.PortMoved:
		return fmt.Sprintf("port %d is taken: the %s is on %d", e.Wanted, e.Name, e.Got)
	case laptop.FunctionLog:
		return e.Function + " | " + plain(e.Line)
	case laptop.GatewayError:
		return fmt.Sprintf("%s %s answered %d: %s", e.Method, plain(e.Path), e.Status, plain(e.Reason))
	case laptop.Notice:
		return e.Text
	case laptop.StackDeleted:
		return "stack " + e.Stack + ": deleted"
	case laptop.Problem:
		return "problem: " + e.Err.Error()
	}
	return ""
}

func renderResource(e deploy.ResourceChanged) string {
	if strings.HasSuffix(e.Status, "_IN_PROGRESS") {
		return "" // what it comes to is said soon
	}
	line := fmt.Sprintf("  %-34s %-36s %s", e.LogicalID, e.Type, e.Status)
	if e.Took > 0 {
		line += " " + short(e.Took)
	}
	if strings.HasSuffix(e.Status, "_FAILED") && e.Reason != "" {
		line += "\n    " + e.Reason
	}
	return line
}

// plain is text of others as one may print it: without what would command a terminal, and no
// longer than a few lines. The logs have the whole.
func plain(text string) string {
	const most = 300
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || r == '\t' {
			return r
		}
		return '·'
	}, text)
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// short is a duration as a person says it.
func short(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

func megabytes(n int64) string {
	if n < 1e6 {
		return fmt.Sprintf("%.0f KB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
