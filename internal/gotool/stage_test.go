package gotool

import (
	"os"
	"path/filepath"
	"testing"
)

func TestExclusiveClearsWhatAKilledBuildLeft(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "prog")
	left := filepath.Join(filepath.Dir(out), ".prog.build-123")
	if err := os.Mkdir(left, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, exclusive := range []bool{false, true} {
		s, err := newStage(out, exclusive)
		if err != nil {
			t.Fatal(err)
		}
		s.remove()
		if _, err := os.Stat(left); os.IsNotExist(err) != exclusive {
			t.Errorf("exclusive %v: %v", exclusive, err)
		}
	}
}
