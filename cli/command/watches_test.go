package command

import (
	"strings"
	"testing"
)

// The commands' watch keeps silent about what the functions' watch sees anyway.
func TestWatched(t *testing.T) {
	t.Parallel()
	w := newWatched([]string{"/m/go.mod", "/m/cmd/main.go", "/m/cmd/page.html"})
	f := func(want bool, files string) {
		t.Helper()
		if got := w.has(strings.Fields(files)); got != want {
			t.Errorf("%s: %v", files, got)
		}
	}
	f(true, "/m/go.mod /m/cmd/main.go /m/cmd/page.html")
	f(true, "/m/cmd/setup.go")
	f(false, "/m/setup.go")
	f(false, "/m/cmd/other.html")
	f(false, "/m/cmd/main.go /m/hooks/hooks.go")
	if (*watched)(nil).has([]string{"/m/go.mod"}) {
		t.Error("what sees nothing sees a file")
	}
}
