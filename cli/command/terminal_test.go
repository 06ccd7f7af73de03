package command

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ephor-io/ephor/laptop"
)

// A problem that is told with every write is printed once, counted, and printed again later.
func TestTerminalCountsRepeatedProblems(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		out := newTerminal(&b)
		problem := func(text string) { out.show(laptop.Problem{Err: errors.New(text)}) }
		for range 3 {
			problem("disk full")
			out.sayf("a line")
		}
		problem("another")
		problem("disk full")
		problem("disk full")
		synctest.Wait()
		time.Sleep(repeatEvery)
		problem("disk full")
		out.close()
		want := `problem: disk full
a line
a line
a line
  … and 2 times more: problem: disk full
problem: another
problem: disk full
  … and 1 times more: problem: disk full
problem: disk full
`
		if b.String() != want {
			t.Errorf("got\n%s\nwant\n%s", b.String(), want)
		}
	})
}
