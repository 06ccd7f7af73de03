package lambda

import (
	"fmt"
	"strings"
	"testing"
)

// A frozen environment gets its event whether a socket takes it while nobody reads or not.
func TestAFrozenEnvironmentGetsItsEvent(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t, withExtension("0s")))
	pid := pidOf(t, call(t, s, `{}`))
	for _, bytes := range []int{0, 10 << 10, 100 << 10, 1 << 20, 5 << 20} {
		eventually(t, "the freeze of the idle process", func() bool { return processState(pid) == 'T' })
		if got := pidOf(t, call(t, s, fmt.Sprintf(`{"pad":%q}`, strings.Repeat("x", bytes)))); got != pid {
			t.Errorf("%d bytes: process %d was used, not the idle %d", bytes, got, pid)
		}
	}
}
