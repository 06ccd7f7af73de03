package e2e

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/ephor-io/ephor/internal/mototest"
	"github.com/ephor-io/ephor/internal/uptest"
)

// What up has made, provision changes by the same path; and what it does not understand it refuses.
func TestProvisionToARunningUp(t *testing.T) {
	t.Parallel()
	a, dir := shopUp(t)
	run := commands(t, dir, a, "--target", "laptop")
	// There is no commit here, so no revision to tag with, and nothing differs from what up made.
	plan, _ := run(0, "provision", "--dry-run")
	if strings.Count(plan, "nothing would change") != 2 || !strings.Contains(plan, "about 19.75 dollars a month") {
		t.Errorf("the plan of what is there:\n%s", plan)
	}
	stdout, _ := run(0, "provision", "--json")
	var made struct {
		Unchanged bool
		Outputs   map[string]string
		Lower     map[string]map[string]string
	}
	if err := json.Unmarshal([]byte(stdout), &made); err != nil || !made.Unchanged || made.Outputs["ApiUrl"] != a.API || len(made.Lower) != 1 {
		t.Errorf("%v: %s", err, stdout)
	}
	if _, stderr := run(0, "provision", "--fast"); !strings.Contains(stderr, "the functions have the code") {
		t.Errorf("--fast: %s", stderr)
	}

	// The revision is a tag and no part of the executable.
	stdout, stderr := run(0, "provision", "--build-id", "v1.2.3", "--json")
	if !strings.Contains(stdout, `"unchanged":false`) || strings.Contains(stderr, "uploaded") || !strings.Contains(stderr, "outputs or tags alone") {
		t.Errorf("another revision: %s%s", stdout, stderr)
	}

	// A change that replaces comes first in the plan, and the plan changes nothing.
	plan, _ = run(0, "provision", "--dry-run", "--build-id", "v1.2.3", "--parameter", "Zone=us-east-1b")
	lines := strings.Split(plan, "\n")
	if len(lines) < 3 || strings.Join(strings.Fields(lines[1]), " ") != "replace Host AWS::EC2::Instance AvailabilityZone" {
		t.Errorf("the plan of another zone:\n%s", plan)
	}
	plan, _ = run(0, "provision", "--dry-run", "--build-id", "v1.2.3")
	if strings.Count(plan, "nothing would change") != 2 {
		t.Errorf("the plan after a dry run:\n%s", plan)
	}

	for _, wrong := range [][]string{
		{"--parameter", "Nope=1"}, {"--parameter", "VolumeSize"}, {"--arch", "arm64"}, {"--region", "eu-central-1"}, {"--dry-run", "--fast"}, {"--nope"}, {"more"},
	} {
		if _, stderr := run(2, append([]string{"provision"}, wrong...)...); !strings.Contains(stderr, "  try: ") {
			t.Errorf("%q: %s", wrong, stderr)
		}
	}
	if _, stderr := run(1, "provision", "--tags", "no_such_tag", "--ldflags", "-nonsense"); !strings.Contains(stderr, "nonsense") {
		t.Errorf("flags that the linker does not know: %s", stderr)
	}
	_, stderr = run(0, "provision", "--build-id", "v1.2.4", "--parameter", "AllowedCIDR=127.0.0.2/32")
	if !strings.Contains(stderr, "/login, user admin") || !strings.Contains(stderr, "get-secret-value --secret-id arn:aws:secretsmanager:") || !strings.Contains(stderr, "dashboard: http") {
		t.Errorf("how to get into Grafana: %s", stderr)
	}
	lower := slices.Collect(maps.Keys(made.Lower))[0]
	// What changes a host that is there says that it keeps its image.
	stacks, err := newAccount(t, a).stacks.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &lower})
	if err != nil || !slices.ContainsFunc(stacks.Stacks[0].Parameters, func(p types.Parameter) bool {
		return *p.ParameterKey == "KeepImage" && strings.HasPrefix(*p.ParameterValue, "ami-")
	}) {
		t.Errorf("the monitoring stack's parameters: %v, %+v", err, stacks)
	}
	if plan, _ = run(0, "provision", "--dry-run", "--parameter", "VolumeSize=100"); !strings.Contains(plan, "disks 8.64") {
		t.Errorf("the cost of a larger volume:\n%s", plan)
	}
	if status, _ := a.Get("/"); status != 200 {
		t.Errorf("the application answers %d", status)
	}
}

// Without credentials or a region it ends at once with the remedy.
func TestProvisionWithoutAnAccount(t *testing.T) {
	t.Parallel()
	program := helloProgram(t)
	home := t.TempDir()
	f := func(want string, env []string, args ...string) {
		t.Helper()
		c := exec.Command(program, append([]string{"provision", "--state", filepath.Join(home, "state")}, args...)...)
		c.Dir = uptest.Root(t)
		for _, v := range os.Environ() {
			if !strings.HasPrefix(v, "AWS_") {
				c.Env = append(c.Env, v)
			}
		}
		config, credentials := filepath.Join(home, "config"), filepath.Join(home, "credentials")
		c.Env = append(c.Env, "AWS_CONFIG_FILE="+config, "AWS_SHARED_CREDENTIALS_FILE="+credentials, "AWS_EC2_METADATA_DISABLED=true")
		c.Env = append(c.Env, env...)
		out, err := c.CombinedOutput()
		_, said, _ := strings.Cut(string(out), "error: ") // before that, a slow machine tells that it builds
		if err == nil || c.ProcessState.ExitCode() != 1 || !strings.Contains(said, want) || !strings.Contains(said, "  try: ") || strings.Count(said, "\n") != 2 {
			t.Errorf("%q %q: %v\n%s", env, args, err, out)
		}
	}
	f("no region of AWS is configured", []string{"AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x"})
	f("there are no credentials for AWS", nil, "--region", "eu-central-1")
	f("there is no profile elsewhere", nil, "--profile", "elsewhere")
}

// alone is an application without monitoring; what moto knows nothing of, it passes over.
const alone = `package main

import (
	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cli"
)

func main() {
	app := ephor.New("Alone")
	app.Get("/", app.Function("Handle", func() (string, error) { return "here", nil }))
	cli.Main(app)
}
`

// The commands find AWS as its own tools do: by the environment, here with moto at its end.
func TestProvisionToMoto(t *testing.T) {
	t.Parallel()
	endpoint := mototest.Start(t)
	dir := uptest.NewModule(t, alone)
	program := uptest.Build(t, dir)
	run := func(want string, args ...string) {
		t.Helper()
		c := exec.Command(program, append(args, "--state", filepath.Join(dir, "state"))...)
		c.Dir = dir
		c.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+endpoint, "AWS_REGION=eu-central-1", "AWS_ACCESS_KEY_ID=any", "AWS_SECRET_ACCESS_KEY=any")
		if out, err := c.CombinedOutput(); err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%q: %v, want %q\n%s", args, err, want, out)
		}
	}
	run("stack Alone: create, 7 resources", "provision", "--dry-run")
	run("made the artifact bucket ephor-alone-123456789012-eu-central-1", "provision")
	run("Alone: nothing has changed", "provision")
	run("stack Alone: nothing would change", "provision", "--dry-run")
	run(`"unchanged":true`, "provision", "--json")
	run("Alone  CREATE_COMPLETE", "status", "--target", "aws")
	run("stack Alone: done", "delete", "--target", "aws")
	run("stack Alone: does not exist", "delete", "--target", "aws")
}

// Every template that Ephor generates for an example passes cfn-lint without a warning.
func TestTemplatesOfTheExamples(t *testing.T) {
	t.Parallel()
	lint, err := exec.LookPath("cfn-lint")
	if err != nil {
		t.Skip("cfn-lint is not installed: pip install cfn-lint")
	}
	examples, err := filepath.Glob(filepath.Join(uptest.Root(t), "examples", "*"))
	if err != nil || len(examples) < 3 {
		t.Fatal(examples, err)
	}
	dir := t.TempDir()
	check := func(path string) {
		t.Helper()
		if out, err := exec.Command(lint, "--non-zero-exit-code", "informational", path).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", filepath.Base(path), err, out)
		}
	}
	linted, quoted := 0, regexp.MustCompile(`"([-\w]+)"`)
	for _, example := range examples {
		name := filepath.Base(example)
		if own := filepath.Join(example, "template.yaml"); exists(own) { // it deploys itself
			check(own)
			linted++
			continue
		}
		program := filepath.Join(dir, name)
		c := exec.Command("go", "build", "-o", program, "./examples/"+name)
		c.Dir = uptest.Root(t)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		// Asked for a stack that it does not have, it names those that it has, further ones included.
		_, _, names := command(t, uptest.Root(t), program, "template", "none", "--state", filepath.Join(dir, name+"-state"))
		stacks := []string{"app"}
		for _, m := range quoted.FindAllStringSubmatch(names[max(0, strings.Index(names, "one of [")):], -1) {
			stacks = append(stacks, m[1])
		}
		if len(stacks) < 2 {
			t.Fatalf("%s tells no stacks:\n%s", name, names)
		}
		for _, which := range stacks {
			status, stdout, stderr := command(t, uptest.Root(t), program, "template", which, "--state", filepath.Join(dir, name+"-state"))
			if status != 0 {
				t.Fatalf("%s: template %s: %d\n%s", name, which, status, stderr)
			}
			path := filepath.Join(dir, name+"-"+which+".json")
			uptest.WriteFile(t, path, stdout)
			check(path)
			linted++
		}
	}
	if linted < 6 {
		t.Errorf("only %d templates were linted", linted)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
