package ephor_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestLinksInTheDocumentation holds that what README.md and docs/ point to is there.
func TestLinksInTheDocumentation(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	found := 0
	for _, page := range append(pages, "README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			target, _, _ := strings.Cut(m[1], "#")
			if target == "" || strings.Contains(target, "://") {
				continue
			}
			found++
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), target)); err != nil {
				t.Errorf("%s links to %s, which is not there", page, target)
			}
		}
	}
	if found == 0 {
		t.Error("no link was found")
	}
}

// TestTheDependenciesHaveReasons holds that every direct dependency is justified.
func TestTheDependenciesHaveReasons(t *testing.T) {
	t.Parallel()
	reasons, err := os.ReadFile("docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(mod), "\n") {
		fields := strings.Fields(line)
		if len(fields) < 2 || !strings.HasPrefix(line, "\t") || strings.Contains(line, "// indirect") {
			continue
		}
		name := strings.TrimPrefix(fields[0], "github.com/aws/aws-sdk-go-v2/service/")
		name = strings.TrimPrefix(name, "github.com/aws/aws-sdk-go-v2/")
		if !strings.Contains(string(reasons), name) {
			t.Errorf("docs/dependencies.md has no reason for %s", fields[0])
		}
	}
}
