package cloudformation

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// moment is the disk and the world as a kill would leave them.
type moment struct {
	dir    string
	things map[string]thing
}

// moments runs do and keeps every moment at which it might have been killed: whenever an event
// was told, and before and after everything that the provider did.
func (f *fixture) moments(do func()) []moment {
	f.Helper()
	var mu sync.Mutex
	var list []moment
	keep := func() {
		dir := f.TempDir()
		if err := os.CopyFS(dir, os.DirFS(f.config.Dir)); err != nil {
			f.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		list = append(list, moment{dir, f.memory.all()})
	}
	tell := f.service.config.Events
	f.service.config.Events = func(e Event) { keep(); tell(e) }
	f.memory.setHook(keep)
	do()
	f.memory.setHook(nil)
	f.service.config.Events = tell
	return list
}

// revive starts a Service over a moment.
func (f *fixture) revive(m moment) *fixture {
	f.Helper()
	return start(f.T, oneByOne, func(c *Config) {
		c.Dir = m.dir
		c.Providers[thingType].(*memory).hold(m.things)
	})
}

func (f *fixture) restore() {
	f.Helper()
	if err := f.service.Restore(f.Context()); err != nil {
		f.Error(err)
	}
}

// Wherever a creation is killed, the stack is rolled back, or complete if it was.
func TestKillDuringCreate(t *testing.T) {
	t.Parallel()
	f := start(t, oneByOne)
	var whole map[string]string
	all := f.moments(func() { f.create("S", chain) })
	whole = f.memory.values()
	ends := map[string]int{}
	for i, m := range all {
		g := f.revive(m)
		g.restore()
		st := g.service.find("S")
		if st == nil {
			t.Fatalf("moment %d: there is no stack", i)
		}
		ends[st.Status]++
		want := map[string]string{}
		if st.Status == createComplete {
			want = whole
		} else if st.Status != rollbackComplete {
			t.Fatalf("moment %d: status %s: %s", i, st.Status, strings.Join(g.trace("S"), "\n"))
		}
		if diff := cmp.Diff(want, g.memory.values()); diff != "" {
			t.Fatalf("moment %d, %s (-want +got):\n%s", i, st.Status, diff)
		}
		if got := g.remove("S"); got != deleteComplete {
			t.Fatalf("moment %d: after delete: %s", i, got)
		}
	}
	if ends[rollbackComplete] < 10 || ends[createComplete] == 0 {
		t.Errorf("ends: %v", ends)
	}
}

// Wherever an update is killed, the stack is what it was or what it was to be, and nothing is
// left over of the other.
func TestKillDuringUpdate(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]string{"success": "", "failure": "create New"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start(t, oneByOne)
			f.create("S", before1)
			was, outputs := f.memory.values(), f.outputs("S")
			if bad != "" {
				f.memory.failAt(bad, errOnPurpose)
			}
			all := f.moments(func() { f.update("S", after1) })
			is, after := f.memory.values(), f.outputs("S")
			ends := map[string]int{}
			for i, m := range all {
				g := f.revive(m)
				g.restore()
				status := g.status("S")
				ends[status]++
				want, wantOutputs := was, outputs
				switch status {
				case updateComplete:
					want, wantOutputs = is, after
				case updateRollbackComplete, createComplete:
				default:
					t.Fatalf("moment %d: status %s: %s", i, status, strings.Join(g.trace("S"), "\n"))
				}
				if diff := cmp.Diff(want, g.memory.values()); diff != "" {
					t.Fatalf("moment %d, %s (-want +got):\n%s\n%s", i, status, diff, strings.Join(g.trace("S"), "\n"))
				}
				if diff := cmp.Diff(wantOutputs, g.outputs("S")); diff != "" {
					t.Fatalf("moment %d, %s (-want +got):\n%s", i, status, diff)
				}
				g.remove("S")
				if left := g.memory.values(); len(left) > 0 {
					t.Fatalf("moment %d: left %v", i, left)
				}
			}
			if ends[updateRollbackComplete] < 10 || (ends[updateComplete] == 0) != (bad != "") {
				t.Errorf("ends: %v", ends)
			}
		})
	}
}

// Wherever a deletion is killed, it is carried through.
func TestKillDuringDelete(t *testing.T) {
	t.Parallel()
	f := start(t, oneByOne)
	f.create("S", chain)
	for i, m := range f.moments(func() { f.remove("S") }) {
		g := f.revive(m)
		g.restore()
		if st := g.service.find("S"); st != nil {
			t.Fatalf("moment %d: status %s", i, st.Status)
		}
		if left := g.memory.values(); len(left) > 0 {
			t.Fatalf("moment %d: left %v", i, left)
		}
	}
}

// Close in the middle is like a kill, only that nothing runs afterwards.
func TestCloseInTheMiddle(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.memory.blockAt("create B")
	f.begin("S", chain)
	f.until("create B")
	f.again()
	if got := f.status("S"); got != createInProgress {
		t.Errorf("status %s", got)
	}
	f.refuse("UpdateStack", "ValidationError", "is in CREATE_IN_PROGRESS state and can not be updated.", "StackName", "S", "TemplateBody", chain)
	f.memory.unblock("create B")
	f.restore()
	if got := f.status("S"); got != rollbackComplete {
		t.Errorf("status %s", got)
	}
	want := "S ROLLBACK_IN_PROGRESS The laptop stopped during CREATE_IN_PROGRESS. Rollback requested by user."
	if trace := strings.Join(f.trace("S"), "\n"); !strings.Contains(trace, want) {
		t.Errorf("no %q in %s", want, trace)
	}
}

// Half a line at the end of the journal of events costs that event only.
func TestTornJournal(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.create("S", chain)
	count := len(f.service.find("S").events)
	path := filepath.Join(f.service.dir(f.service.find("S")), eventsFile)
	f.stop()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data[:len(data)-20], 0o600); err != nil {
		t.Fatal(err)
	}
	f.open()
	if got := len(f.service.find("S").events); got != count-1 {
		t.Errorf("%d events, want %d", got, count-1)
	}
	f.remove("S")
	f.again()
	if got := len(f.service.stacks[f.id("S")].events); got < count {
		t.Errorf("%d events after more of them", got)
	}
}

// A disk that takes no more is told as the reason, and nothing hangs.
func TestStateCannotBeWritten(t *testing.T) {
	t.Parallel()
	f := start(t)
	var mu sync.Mutex
	f.memory.setHook(func() {
		mu.Lock()
		defer mu.Unlock()
		if f.memory.begun("create B") {
			root := filepath.Join(f.config.Dir, "stacks")
			if err := errors.Join(os.RemoveAll(root), os.WriteFile(root, nil, 0o600)); err != nil {
				t.Error(err)
			}
		}
	})
	if got := f.create("S", chain); got != rollbackFailed {
		t.Errorf("status %s", got)
	}
	if got := f.reason("S"); !strings.HasPrefix(got, "internal error: writing state: ") {
		t.Errorf("reason %q", got)
	}
}
