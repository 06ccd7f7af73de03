package gotool_test

import (
	"errors"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ephor-io/ephor/internal/gotool"
)

// A program becomes itself with another tag, with the flags it was built with, and out of the cache: not
// from where it was linked, which is gone.
func TestAgain(t *testing.T) {
	t.Parallel()
	app := filepath.Join(t.TempDir(), "app")
	if out, err := exec.Command("go", "build", "-o", app, "-ldflags=-X main.word=kept", "./testdata/again").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var said []string
	for range 2 {
		out, err := exec.Command(app, "a", "b c").CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		said = append(said, string(out))
	}
	if said[0] != said[1] {
		t.Errorf("it was linked twice:\n%s\n%s", said[0], said[1])
	}
	if !regexp.MustCompile(`(?m)^second kept \[a b c\]$`).MatchString(said[0]) {
		t.Errorf("it says:\n%s", said[0])
	}
}

// What was built from files is of no package that could be built again, and says so.
func TestAgainFromFiles(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "run", "testdata/again/main.go", "testdata/again/first.go").Output()
	var failed *exec.ExitError
	if !errors.As(err, &failed) || !strings.Contains(string(out), gotool.ErrFromFiles.Error()) {
		t.Errorf("%v\n%s", err, out)
	}
}
