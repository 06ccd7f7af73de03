package lambda

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A thread that has started a process in a control group, and cannot leave it, says so. The groups are
// folders here, and the one to go back to has no file to be entered by.
func TestAStartThatWentAmissIsTold(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	s := open(t, Config{Events: r.add, bare: true})
	create(t, s, hello(t))
	group := filepath.Join(t.TempDir(), "environments", "e")
	if err := os.MkdirAll(group, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(group, "tasks"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	log := s.logs.open(Function{Name: "hello"}, "stream")
	defer s.logs.close(log)
	out, err := newOutput(log)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.spawner.start(command{path: "/bin/true", dir: "/", in: &sandbox{older: &cgroup1{memory: group}}}, out)
	if err != nil {
		t.Fatal(err)
	}
	p.wait()
	out.close()
	p.complain(log)
	want := filepath.Join(filepath.Dir(filepath.Dir(group)), "tasks")
	if lines := join(r.lines()); !strings.Contains(lines, "runs as it should, but the next ones may be held to its environment's limits") || !strings.Contains(lines, want) {
		t.Errorf("the log says %q", lines)
	}
	call(t, s, `{}`) // the service goes on
}
