package influx

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/influxdata/influxdb/coordinator"
	"github.com/influxdata/influxdb/tsdb"
)

func TestReopenerBacksOff(t *testing.T) {
	t.Parallel()
	var r reopener
	now := time.Unix(1000, 0)
	var waits []time.Duration
	for range 10 {
		if !r.due(now) {
			t.Fatalf("not due at %s", now)
		}
		if r.due(now) {
			t.Fatal("due twice at once")
		}
		wait := r.next.Sub(now)
		if r.due(now.Add(wait - 1)) {
			t.Fatalf("due before %s", wait)
		}
		waits = append(waits, wait)
		now = now.Add(wait)
	}
	if waits[0] != firstReopenDelay || waits[1] != 2*firstReopenDelay || waits[9] != maxReopenDelay {
		t.Errorf("waits %v", waits)
	}
	if now = now.Add(2 * maxReopenDelay); !r.due(now) || r.delay != firstReopenDelay {
		t.Errorf("after a long pause it waits %s, want %s", r.delay, firstReopenDelay)
	}
}

func TestIsStorageFailure(t *testing.T) {
	t.Parallel()
	tests := []struct {
		err  error
		want bool
	}{
		{nil, false},
		{tsdb.PartialWriteError{Reason: "points beyond retention policy", Dropped: 1}, false},
		{tsdb.ErrFieldTypeConflict, false},
		{coordinator.ErrTimeout, false},
		{coordinator.ErrWriteFailed, false},
		{errors.New("engine: error writing WAL entry: no space left on device"), true},
	}
	for _, test := range tests {
		if got := isStorageFailure(test.err); got != test.want {
			t.Errorf("%v: %t, want %t", test.err, got, test.want)
		}
	}
}

// A store that cannot be opened again says so to everybody, and comes back by itself.
func TestReopenFailsAndRecovers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, d, events := openDir(t, dir)
	defer s.Close()
	d.write(t, "x v=1 1")

	catalogue := filepath.Join(dir, "meta", "meta.db")
	good, err := os.ReadFile(catalogue)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(catalogue, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.reopen(errors.New("a full disk"))
	for _, r := range []request{post("/write?db=ephor", "x v=2 2"), get("/query?db=ephor&q=SELECT v FROM x")} {
		if a := d.do(t, r); a.status != 503 || !strings.Contains(a.body, "a full disk") {
			t.Errorf("%s: %d %s, want 503", r.path, a.status, a.body)
		}
	}
	if err := os.WriteFile(catalogue, good, 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the store does not come back", func() bool {
		return d.do(t, post("/write?db=ephor", "x v=2 2")).status == 204
	})
	if got, want := d.values(t, "SELECT v FROM x"), "[1,1] [2,2]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if !slices.ContainsFunc(events(), func(e Event) bool { return strings.HasPrefix(e.Message, "opened the store again") }) {
		t.Errorf("events %+v, want one about opening again", events())
	}
}
