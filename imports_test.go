package ephor_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The floors of the house. Each package may import what stands in its row and nothing else of
// ours; what is not listed here fails, so that a new package finds its floor on its first day.
// internal/ packages and laptop/internal/ packages serve whoever is above them.
var floors = map[string][]string{
	"line":                    {},
	"loss":                    {},
	"cfn":                     {},
	"cfn/parse":               {"cfn"},
	"cfn/eval":                {"cfn", "cfn/parse"},
	"dashboard":               {},
	"iam":                     {},
	"influx":                  {},
	"metrics":                 {"line"},
	"metrics/gometrics":       {"metrics"},
	"load":                    {"line"},
	".":                       {"cfn", "dashboard", "iam", "metrics"},
	"function":                {".", "metrics"},
	"topology":                {".", "cfn"},
	"monitor":                 {".", "cfn", "dashboard"},
	"deploy":                  {".", "cfn", "dashboard", "iam", "internal/engine", "internal/gotool"},
	"page":                    {"dashboard"},
	"internal/engine":         {},
	"internal/gotool":         {"internal/guard"},
	"internal/guard":          {},
	"internal/grafana":        {"internal/guard"},
	"internal/watch":          {},
	"internal/resourcespec":   {},
	"internal/awstest":        {},
	"internal/browsertest":    {},
	"internal/influxdtest":    {},
	"internal/mototest":       {},
	"internal/storetest":      {"loss", "metrics"},
	"internal/proxytest":      {},
	"internal/cloudwatchtest": {},
	"internal/functiontest":   {},
	"internal/uptest":         {},
	"laptop/internal/*":       {"laptop/internal/*"},
	"laptop/*":                {"cfn", "cfn/parse", "cfn/eval", "influx", "internal/guard", "laptop/internal/*"},
	"laptop":                  {"cfn", "cfn/parse", "cfn/eval", "influx", "laptop/*", "laptop/internal/*"},
	"cli":                     {".", "function", "internal/gotool", "cli/command"},
	"cli/command":             {"*"},
	"e2e":                     {},
	"examples/*":              {".", "cli", "cfn", "dashboard", "deploy", "iam", "metrics", "examples/*"},

	// In Grafana's place in tests, one of them as a program.
	"internal/grafanatest":         {"internal/proxytest"},
	"internal/grafanatest/grafana": {"internal/grafanatest"},

	// All kinds of stores, for tests.
	"internal/storetest/stores": {"influx", "internal/influxdtest", "internal/proxytest", "internal/storetest", "metrics"},
}

const module = "github.com/ephor-io/ephor"

// TestImportsPointUp walks the imports of every package, under each tag, and fails on an arrow
// that the floors do not have.
func TestImportsPointUp(t *testing.T) {
	t.Parallel()
	for _, tags := range []string{"", "ephor_host", "ephor_lambda"} {
		out, err := exec.Command("go", "list", "-deps", "-tags", tags, "-json=ImportPath,Imports", "./...").Output()
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		seen := 0
		for d := json.NewDecoder(strings.NewReader(string(out))); ; {
			var p struct {
				ImportPath string
				Imports    []string
			}
			if err := d.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			from, ours := local(p.ImportPath)
			if !ours {
				continue
			}
			seen++
			allowed, ok := floors[floorOf(from)]
			if !ok {
				t.Errorf("package %s has no floor: add it to the list in this test", from)
				continue
			}
			for _, i := range p.Imports {
				to, ours := local(i)
				if !ours || slices.Contains(allowed, "*") && to != "cli" {
					continue
				}
				if !slices.Contains(allowed, floorOf(to)) {
					t.Errorf("%s imports %s (tags %q): the floors do not allow it", from, to, tags)
				}
			}
		}
		if seen < len(floors)/2 {
			t.Fatalf("only %d packages of ours were seen", seen)
		}
	}
}

// TestWhatTheFunctionLinks holds the seam: the deployed binary carries no command line, SDK,
// server or page. The functions of examples/orders call SQS and S3 themselves, by the SDK.
func TestWhatTheFunctionLinks(t *testing.T) {
	t.Parallel()
	examples, err := exec.Command("go", "list", "./examples/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for example := range strings.FieldsSeq(string(examples)) {
		out, err := exec.Command("go", "list", "-deps", "-tags", "ephor_lambda,lambda.norpc", example).Output()
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		banned := []string{"github.com/spf13", "github.com/influxdata", "github.com/grafana",
			module + "/deploy", module + "/monitor", module + "/page", module + "/laptop", module + "/influx", module + "/load", "net/rpc"}
		if !strings.HasPrefix(example, module+"/examples/orders") {
			banned = append(banned, "github.com/aws/aws-sdk-go-v2")
		}
		for p := range strings.FieldsSeq(string(out)) {
			for _, no := range banned {
				if p == no || strings.HasPrefix(p, no+"/") {
					t.Errorf("the deployed binary of %s links %s", example, p)
				}
			}
		}
	}
}

// local is the path below the module's root, "." for the root itself.
func local(path string) (string, bool) {
	if path == module {
		return ".", true
	}
	return strings.CutPrefix(path, module+"/")
}

// floorOf is the row of floors that a package belongs to.
func floorOf(pkg string) string {
	if _, ok := floors[pkg]; ok {
		return pkg
	}
	for _, wide := range []string{"laptop/internal/", "laptop/", "examples/"} {
		if strings.HasPrefix(pkg, wide) {
			return wide + "*"
		}
	}
	return pkg
}
