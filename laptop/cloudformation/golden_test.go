package cloudformation

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Each file in testdata has a template, optionally parameters and a store of secrets, and what
// becomes of it: the properties that providers get, the outputs, and the stack's events.
func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("testdata: %v, %v", files, err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files := map[string]string{}
			for _, f := range archive.Files {
				files[f.Name] = string(f.Data)
			}
			got := converged(t, files)
			want, err := json.MarshalIndent(json.RawMessage(files["want.json"]), "", "  ")
			if *update {
				for i := range archive.Files {
					if archive.Files[i].Name == "want.json" {
						archive.Files[i].Data = []byte(got + "\n")
					}
				}
				err = os.WriteFile(path, txtar.Format(archive), 0o644)
			} else if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

// converged makes the stack and tells what became of it.
func converged(t *testing.T, files map[string]string) string {
	t.Helper()
	secrets := vault{}
	if text := files["secrets.json"]; text != "" {
		if err := json.Unmarshal([]byte(text), &secrets); err != nil {
			t.Fatal(err)
		}
	}
	f := start(t, oneByOne, func(c *Config) { c.Secrets, c.Parameters = secrets, secrets })
	f.create("Shared", `
Resources: {Shared: {Type: Test::Memory::Thing}}
Outputs: {O: {Value: "http://127.0.0.1:8086", Export: {Name: Shared-URL}}}`)
	f.forget()
	var params []string
	for line := range strings.Lines(files["parameters"]) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		params = append(params, key, value)
	}
	f.create("S", files["template"], params...)
	names := strings.NewReplacer(f.id("S"), "STACK-ID")
	things := map[string]any{}
	for _, thing := range f.memory.all() {
		if thing.Logical != "Shared" {
			things[thing.Logical] = thing.Properties
		}
	}
	data, err := json.MarshalIndent(map[string]any{"resources": things, "outputs": f.outputs("S"), "events": f.trace("S")}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text := names.Replace(string(data))
	for _, thing := range f.memory.all() {
		text = strings.ReplaceAll(text, thing.PhysicalID, "ID-OF-"+thing.Logical)
	}
	return text
}
