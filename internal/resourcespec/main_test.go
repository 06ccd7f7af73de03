package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const small = `{"schema": {
 "resource": {"entities": [{"cloudFormationType": "AWS::Test::Thing", "attributes": {"Arn": {}}, "properties": {
  "Name": {"type": {"type": "string"}, "required": true, "causesReplacement": "yes"},
  "Size": {"type": {"type": "integer"}, "causesReplacement": "maybe"},
  "Rules": {"type": {"type": "array", "element": {"type": "ref", "reference": {"$ref": "7"}}}},
  "Free": {"type": {"type": "json"}}}}]},
 "typeDefinition": {"entities": [{"$id": "7", "properties": {
  "Id": {"type": {"type": "string"}, "required": true},
  "Inner": {"type": {"type": "map", "element": {"type": "ref", "reference": {"$ref": "8"}}}},
  "Again": {"type": {"type": "ref", "reference": {"$ref": "7"}}}}},
  {"$id": "8", "properties": {"X": {"type": {"type": "string"}}}}]}}}`

// archive is the package as npm packs it.
func archive(t *testing.T, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "spec.tgz")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	source, out := filepath.Join(dir, "x.go"), filepath.Join(dir, "out.json")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(source, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	spec := archive(t, map[string]string{"package/package.json": `{"version": "1.2.3"}`, "package/db.json.gz": zipped(t, small)})
	write(`var x = map[string]int{"AWS::Test::Thing": 1}`)
	if err := run(t.Context(), spec, out, []string{source}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Source string
		Types  map[string]any
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if !strings.Contains(got.Source, "1.2.3 (Apache-2.0)") {
		t.Errorf("source %q", got.Source)
	}
	want := map[string]any{"AWS::Test::Thing": map[string]any{
		"required": []any{"Name"}, "replace": []any{"Name"}, "mayReplace": []any{"Size"}, "update": []any{"Free", "Rules"}, "attributes": []any{"Arn"},
		"objects": map[string]any{
			"Rules/*":         []any{[]any{"Id"}, []any{"Again", "Inner"}},
			"Rules/*/Inner/*": []any{[]any{}, []any{"X"}},
		},
	}}
	if diff := cmp.Diff(want, got.Types); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	write(`"AWS::Test::Other"`)
	if err := run(t.Context(), spec, out, []string{source}); err == nil || !strings.Contains(err.Error(), "AWS::Test::Other") {
		t.Errorf("of a type that is not there: %v", err)
	}
	write(`package x`)
	if err := run(t.Context(), spec, out, []string{source}); err == nil {
		t.Error("no types were no error")
	}
	write(`"AWS::Test::Thing"`)
	if err := run(t.Context(), archive(t, nil), out, []string{source}); err == nil || !strings.Contains(err.Error(), "db.json.gz") {
		t.Errorf("of an empty archive: %v", err)
	}
}
