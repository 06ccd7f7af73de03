package e2e

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/internal/uptest"
)

// wharf is an application with two stacks of its own below it, told in the wrong order: the ships are at the
// sea's, and the function knows both.
const wharf = `package main

import (
	"context"
	"os"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/cli"
)

func bucket(name string, more map[string]cfn.Output) ephor.Stack {
	outputs := map[string]cfn.Output{"Bucket": {Value: cfn.Ref("Bucket"), Export: &cfn.Export{Name: cfn.Sub("${AWS::StackName}-Bucket")}}}
	for name, o := range more {
		outputs[name] = o
	}
	return ephor.Stack{Name: name, Template: cfn.Template{Resources: map[string]cfn.Resource{"Bucket": {Type: "AWS::S3::Bucket"}}, Outputs: outputs}}
}

func main() {
	app := ephor.New("Wharf")
	dock := app.Function("Dock", func() (string, error) { return os.Getenv("SHIPS"), nil })
	app.Get("/", dock)
	dock.Decorate(func(_ context.Context, _ *ephor.Deployment, f ephor.FunctionTemplate) error {
		f.Setenv("SHIPS", cfn.ImportValue("Wharf-Ships-Bucket"))
		return nil
	})
	app.Hook(ephor.Hooks{Stacks: func(context.Context, *ephor.Deployment) ([]ephor.Stack, error) {
		return []ephor.Stack{
			bucket("Wharf-Ships", map[string]cfn.Output{"Sea": {Value: cfn.ImportValue("Wharf-Sea-Bucket")}}),
			bucket("Wharf-Sea", nil),
		}, nil
	}})
	cli.Main(app)
}
`

// Further stacks are there for every command: made in the order of their imports, told with who imports
// them, drawn, printed, planned, refused to go while they are in use, and deleted in the other order.
func TestFurtherStacks(t *testing.T) {
	t.Parallel()
	dir := uptest.NewModule(t, wharf)
	program := uptest.Build(t, dir)
	state := filepath.Join(dir, "state")
	a := up(t, dir, program, state)
	run := commands(t, dir, a)
	// ordered holds that text has the words one behind the other.
	ordered := func(what, text string, words ...string) {
		t.Helper()
		rest := text
		for _, word := range words {
			_, after, ok := strings.Cut(rest, word)
			if !ok {
				t.Fatalf("%s: %q is not where it should be in\n%s", what, word, text)
			}
			rest = after
		}
	}
	uptest.Eventually(t, "the last of what up says", func() bool { return strings.Contains(a.Stderr.String(), "\nup in ") })
	ordered("up", a.Stderr.String(), "stack Wharf-Sea: done", "stack Wharf-Ships: done", "stack Wharf: done")
	_, ships := a.Get("/")

	type export struct {
		Name, Value string
		Importers   []string
	}
	var report struct {
		Stacks []struct {
			Name, Status string
			Exports      []export
		}
		Lambda struct{ Functions []struct{ Name string } }
	}
	stdout, _ := run(0, "status", "--json")
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatal(err)
	}
	told := map[string][]export{}
	for _, s := range report.Stacks {
		told[s.Name+" "+s.Status] = s.Exports
	}
	seas := "?"
	if e := told["Wharf-Sea CREATE_COMPLETE"]; len(e) == 1 {
		seas = e[0].Value
	}
	want := map[string][]export{
		"Wharf CREATE_COMPLETE":       nil,
		"Wharf-Sea CREATE_COMPLETE":   {{"Wharf-Sea-Bucket", seas, []string{"Wharf-Ships"}}},
		"Wharf-Ships CREATE_COMPLETE": {{"Wharf-Ships-Bucket", ships, []string{"Wharf"}}},
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("status (-want +got)\n%s", diff)
	}
	// There is no monitoring stack, and there are environments all the same.
	if len(report.Lambda.Functions) != 1 || report.Lambda.Functions[0].Name != "Wharf-Dock" {
		t.Errorf("status: %s", stdout)
	}
	stdout, _ = run(0, "status")
	ordered("status", stdout, "export Wharf-Sea-Bucket", "Wharf-Ships", "export Wharf-Ships-Bucket", "Wharf", "ENVIRONMENTS", "Wharf-Dock")

	stdout, _ = run(0, "template", "Wharf-Ships")
	ordered("template", stdout, "Wharf-Sea-Bucket")
	if _, stderr := run(2, "template", "Wharf-Moon"); !strings.Contains(stderr, `"Wharf-Sea" "Wharf-Ships"`) {
		t.Errorf("template of a stack that is not there: %s", stderr)
	}
	stdout, _ = run(0, "describe", "--mermaid")
	ordered("describe", stdout, "Wharf-Sea", "Wharf-Ships")
	stdout, _ = run(0, "provision", "--dry-run", "--target", "laptop")
	ordered("dry run", stdout, "stack Wharf-Sea: nothing would change", "stack Wharf-Ships: nothing would change", "stack Wharf: nothing would change")

	_, stderr := run(1, "delete", "Wharf-Sea")
	ordered("delete of what is in use", stderr, "Wharf-Sea is in use: Wharf-Ships imports from it")
	_, stderr = run(0, "delete")
	ordered("delete", stderr, "stack Wharf: done", "stack Wharf-Ships: done", "stack Wharf-Sea: done")

	// What is not there yet cannot be planned by CloudFormation, and is told all the same.
	stdout, _ = run(0, "provision", "--dry-run", "--target", "laptop")
	ordered("dry run of nothing", stdout, "stack Wharf-Sea: create", "stack Wharf-Ships: create", "it imports what Wharf-Sea does not export yet", "stack Wharf: create", "it imports what Wharf-Ships does not export yet")

	// up follows: a save makes all of them again, and one that imports in a circle is refused.
	uptest.WriteFile(t, filepath.Join(dir, "main.go"), wharf+"// again\n")
	uptest.Eventually(t, "the application answers again", func() bool {
		stdout, _ := run(0, "status")
		return strings.Count(stdout, "CREATE_COMPLETE") == 3
	})
	uptest.WriteFile(t, filepath.Join(dir, "main.go"), strings.Replace(wharf, `bucket("Wharf-Sea", nil)`,
		`bucket("Wharf-Sea", map[string]cfn.Output{"Tide": {Value: cfn.ImportValue("Wharf-Ships-Bucket")}})`, 1))
	uptest.Eventually(t, "the circle is told", func() bool {
		return strings.Contains(a.Stderr.String(), "stacks import from each other in a circle: Wharf-Ships from Wharf-Sea from Wharf-Ships")
	})
}
