package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/ephor-io/ephor/internal/uptest"
)

// executableSize is the size of a package's executable as Lambda runs it, in bytes.
func executableSize(t testing.TB, pkg string) int64 {
	t.Helper()
	out := filepath.Join(t.TempDir(), "bootstrap")
	c := exec.Command("go", "build", "-tags", "ephor_lambda,lambda.norpc", "-trimpath", "-ldflags", "-s -w", "-o", out, pkg)
	c.Dir = uptest.Root(t)
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	info, err := os.Stat(out)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// Every example builds under both tags, and what is deployed is hardly larger than a bare handler,
// whatever the host's side of the program links.
func TestTheSeam(t *testing.T) {
	t.Parallel()
	bare, clients := executableSize(t, "./e2e/testdata/bare.go"), executableSize(t, "./e2e/testdata/clients.go")
	examples, err := filepath.Glob("../examples/*/main.go")
	if err != nil || len(examples) < 2 {
		t.Fatal(examples, err)
	}
	for _, main := range examples {
		name := filepath.Base(filepath.Dir(main))
		than := bare
		if name == "orders" { // whose functions themselves call SQS and S3
			than = clients
		}
		if extra := executableSize(t, "./examples/"+name) - than; extra > 500_000 {
			t.Errorf("%s: %d bytes more than a bare handler, 500,000 are allowed", name, extra)
		} else {
			t.Logf("%s: %d bytes more than a bare handler's %d", name, extra, than)
		}
		c := exec.Command("go", "build", "-o", filepath.Join(t.TempDir(), name), "./examples/"+name)
		c.Dir = uptest.Root(t)
		if text, err := c.CombinedOutput(); err != nil {
			t.Errorf("%s, for the host: %v\n%s", name, err, text)
		}
	}
}
