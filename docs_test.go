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

// TestTheLaptopsTable holds that docs/laptop.md says in one table what matches AWS, what differs and
// what is refused, each row with the page of AWS's documentation, and that no type of resource is missing.
func TestTheLaptopsTable(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("docs/laptop.md")
	if err != nil {
		t.Fatal(err)
	}
	const rule = "|---|---|---|---|---|"
	head, table, ok := strings.Cut(string(text), rule+"\n")
	if !ok || strings.Contains(table, "|---") {
		t.Fatal("docs/laptop.md has not one table of five columns")
	}
	if lines := strings.Split(strings.TrimSpace(head), "\n"); lines[len(lines)-1] != "| what | as on AWS | differs here | refused by name | AWS's page |" {
		t.Errorf("the table's head is %q", lines[len(lines)-1])
	}
	table, _, _ = strings.Cut(table, "\n\n")
	page := regexp.MustCompile(`\]\(https://docs\.aws\.amazon\.com/[\w/.#-]+\)`)
	rows := strings.Split(strings.TrimSpace(table), "\n")
	if len(rows) < 100 {
		t.Errorf("the table has %d rows", len(rows))
	}
	said := map[string]int{}
	area := ""
	for _, row := range rows {
		cells := strings.Split(strings.Trim(row, "|"), "|")
		if len(cells) != 5 {
			t.Errorf("%d cells: %s", len(cells), row)
			continue
		}
		if !page.MatchString(cells[4]) {
			t.Errorf("no page of AWS's: %s", row)
		}
		what := strings.TrimSpace(cells[0])
		if strings.HasPrefix(what, "**") { // the name of an area, which says nothing of its own
			area = what
			continue
		}
		if strings.TrimSpace(cells[1]+cells[2]+cells[3]) == "" {
			t.Errorf("it says neither what matches nor what differs nor what is refused: %s", row)
		}
		if said[area+what]++; said[area+what] > 1 {
			t.Errorf("two rows say %q below %s", what, area)
		}
	}
	providers, err := os.ReadFile("laptop/providers.go")
	if err != nil {
		t.Fatal(err)
	}
	kinds := regexp.MustCompile(`"AWS::(\w+)::(\w+)":`).FindAllStringSubmatch(string(providers), -1)
	for _, kind := range kinds {
		row := regexp.MustCompile(`(?m)^\| AWS::` + kind[1] + `::([\w, ]*\b)?` + kind[2] + `\b`)
		if !row.MatchString(table) {
			t.Errorf("no row names AWS::%s::%s", kind[1], kind[2])
		}
	}
	if len(kinds) == 0 {
		t.Error("laptop/providers.go names no types")
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
