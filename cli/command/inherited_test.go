package command

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

const heirVariable = "EPHOR_TEST_HEIR"

// TestHeir is the other process of TestDescriptorsAreKept: what it starts says which files it has.
func TestHeir(t *testing.T) {
	mode := os.Getenv(heirVariable)
	if mode == "" {
		t.Log("only of use in a process that another test starts")
		return
	}
	if mode == "keeps" {
		if err := keepDescriptors(); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command("/bin/sh", "-c", "for n in 0 1 2 3 4; do [ ! -e /dev/fd/$n ] || echo found-$n; done").Output()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", out)
}

func TestDescriptorsAreKept(t *testing.T) {
	t.Parallel()
	for mode, inherited := range map[string]bool{"lets": true, "keeps": false} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		defer w.Close()
		c := exec.Command(os.Args[0], "-test.run=^TestHeir$", "-test.v")
		c.Env = append(os.Environ(), heirVariable+"="+mode)
		c.ExtraFiles = []*os.File{r, w}
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for _, name := range []string{"found-0", "found-1", "found-2"} {
			if !strings.Contains(string(out), name) {
				t.Errorf("%s: a child lacks %s:\n%s", mode, name, out)
			}
		}
		for _, name := range []string{"found-3", "found-4"} {
			if strings.Contains(string(out), name) != inherited {
				t.Errorf("%s: %s is there: %t\n%s", mode, name, !inherited, out)
			}
		}
	}
}
