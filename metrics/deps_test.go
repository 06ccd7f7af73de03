package metrics

import (
	"os/exec"
	"strings"
	"testing"
)

// Who imports metrics takes nothing along but line and the standard library.
func TestImports(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for path := range strings.FieldsSeq(string(out)) {
		if path != "github.com/ephor-io/ephor/line" && path != "github.com/ephor-io/ephor/metrics" {
			t.Errorf("it imports %s", path)
		}
	}
}
