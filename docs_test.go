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

// comparison reads a page's one table of what matches AWS, what differs and what is refused, and holds that
// each row says something, once, and names the page of AWS's documentation that it is measured by.
func comparison(t *testing.T, file string, least int) (table string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const rule = "|---|---|---|---|---|"
	head, table, ok := strings.Cut(string(text), rule+"\n")
	if !ok || strings.Contains(table, "|---") {
		t.Fatalf("%s has not one table of five columns", file)
	}
	if lines := strings.Split(strings.TrimSpace(head), "\n"); lines[len(lines)-1] != "| what | as on AWS | differs here | refused by name | AWS's page |" {
		t.Errorf("%s: the table's head is %q", file, lines[len(lines)-1])
	}
	table, _, _ = strings.Cut(table, "\n\n")
	page := regexp.MustCompile(`\]\(https://docs\.aws\.amazon\.com/[\w/.#-]+\)`)
	rows := strings.Split(strings.TrimSpace(table), "\n")
	if len(rows) < least {
		t.Errorf("%s: the table has %d rows", file, len(rows))
	}
	said := map[string]int{}
	area := ""
	for _, row := range rows {
		cells := strings.Split(strings.Trim(row, "|"), "|")
		if len(cells) != 5 {
			t.Errorf("%s: %d cells: %s", file, len(cells), row)
			continue
		}
		if !page.MatchString(cells[4]) {
			t.Errorf("%s: no page of AWS's: %s", file, row)
		}
		what := strings.TrimSpace(cells[0])
		if strings.HasPrefix(what, "**") { // the name of an area, which says nothing of its own
			area = what
			continue
		}
		if strings.TrimSpace(cells[1]+cells[2]+cells[3]) == "" {
			t.Errorf("%s says neither what matches nor what differs nor what is refused: %s", file, row)
		}
		if said[area+what]++; said[area+what] > 1 {
			t.Errorf("%s: two rows say %q below %s", file, what, area)
		}
	}
	return table
}

func TestCloudFormationsTable(t *testing.T) {
	t.Parallel()
	comparison(t, "docs/cloudformation.md", 30)
}

// TestTheLaptopsTable holds that docs/laptop.md compares the laptop with AWS and that no type of resource is
// missing.
func TestTheLaptopsTable(t *testing.T) {
	t.Parallel()
	table := comparison(t, "docs/laptop.md", 100)
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
