package command

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The whole help is held, so that it changes only on purpose.
func TestHelp(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"root": {"--help"}, "up": {"up", "--help"}, "status": {"status", "--help"}, "delete": {"delete", "--help"},
		"invoke": {"invoke", "--help"}, "logs": {"logs", "--help"}, "provision": {"provision", "--help"}, "dashboard": {"dashboard", "--help"}, "template": {"template", "--help"}, "describe": {"describe", "--help"}, "profile": {"profile", "--help"}, "version": {"version", "--help"},
	} {
		var stdout, stderr bytes.Buffer
		p := &program{app: ephor.New("Shop"), stdout: &stdout, stderr: &stderr}
		if status := p.run(t.Context(), args); status != 0 || stderr.Len() > 0 {
			t.Errorf("%q: status %d, %s", args, status, &stderr)
		}
		path := filepath.Join("testdata", "help-"+name+".txt")
		if *update {
			if err := os.WriteFile(path, stdout.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), stdout.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}
