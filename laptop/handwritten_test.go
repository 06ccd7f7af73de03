package laptop

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ephor-io/ephor/internal/awstest"
)

// The AWS CLI deploys a stack that nobody generated, looks at it, changes it, breaks it, is refused what
// others import, and deletes it.
func TestHandWrittenStacksByTheAWSCLI(t *testing.T) {
	t.Parallel()
	program := awstest.Program(t)
	l := start(t, Config{Dir: t.TempDir()})
	run := func(ok bool, args ...string) string {
		t.Helper()
		out, err := awstest.Command(t, program, l.Addresses().Endpoint, args...).CombinedOutput()
		if (err == nil) != ok {
			t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	cfn := func(ok bool, args ...string) string {
		t.Helper()
		return run(ok, append([]string{"cloudformation"}, args...)...)
	}
	const file = "file://testdata/handwritten/template.yaml"
	says := func(what, text string, want ...string) {
		t.Helper()
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: no %s in\n%s", what, w, text)
			}
		}
	}
	// settled is a stack once nothing is under way with it.
	type stack struct {
		StackStatus, StackStatusReason string
		Outputs                        []struct{ OutputKey, OutputValue string }
	}
	settled := func(name string) stack {
		t.Helper()
		for {
			var answer struct{ Stacks []stack }
			if err := json.Unmarshal([]byte(cfn(true, "describe-stacks", "--stack-name", name)), &answer); err != nil || len(answer.Stacks) != 1 {
				t.Fatalf("describe-stacks: %v, %v", answer, err)
			}
			if s := answer.Stacks[0]; !strings.HasSuffix(s.StackStatus, "IN_PROGRESS") {
				return s
			}
		}
	}
	comesTo := func(name, status string) {
		t.Helper()
		if s := settled(name); s.StackStatus != status {
			t.Fatalf("%s is %s: %s", name, s.StackStatus, cfn(true, "describe-stack-events", "--stack-name", name))
		}
	}
	says("validate-template", cfn(true, "validate-template", "--template-body", file), `"CAPABILITY_IAM"`, `"CAPABILITY_AUTO_EXPAND"`, `"AWS::LanguageExtensions"`, `"ParameterKey": "Days"`)
	says("a type that is not there", cfn(false, "create-stack", "--stack-name", "odd", "--template-body", "Resources: {A: {Type: AWS::Foo::Bar}}"),
		"Unrecognized resource types: [AWS::Foo::Bar] (Resources.A.Type, line 1, column 17)")
	says("without capabilities", cfn(false, "create-stack", "--stack-name", "hand", "--template-body", file), "InsufficientCapabilitiesException")

	changeSet := func(name, kind string, parameters ...string) string {
		t.Helper()
		cfn(true, append([]string{"create-change-set", "--stack-name", "hand", "--change-set-name", name, "--change-set-type", kind, "--template-body", file,
			"--tags", "Key=team,Value=us", "--capabilities", "CAPABILITY_IAM", "--parameters"}, parameters...)...)
		return cfn(true, "describe-change-set", "--stack-name", "hand", "--change-set-name", name)
	}
	execute := func(name, status string) {
		t.Helper()
		cfn(true, "execute-change-set", "--stack-name", "hand", "--change-set-name", name)
		comesTo("hand", status)
	}
	says("the first change set", changeSet("first", "CREATE", "ParameterKey=Token,ParameterValue=hunter2"), `"Action": "Add"`, `"****"`)
	execute("first", "CREATE_COMPLETE")
	o := map[string]string{}
	for _, output := range settled("hand").Outputs {
		o[output.OutputKey] = output.OutputValue
	}
	if !strings.HasSuffix(o["Told"], " of orders-queue in us-east-1") {
		t.Errorf("outputs %v", o)
	}
	says("the queue", run(true, "sqs", "get-queue-attributes", "--queue-url", o["Url"], "--attribute-names", "All"),
		`"VisibilityTimeout": "4"`, `"DelaySeconds": "1"`, `"ReceiveMessageWaitTimeSeconds": "2"`, `\"maxReceiveCount\":3`)

	cfn(true, "create-stack", "--stack-name", "importer", "--template-body", "file://testdata/handwritten/importer.yaml")
	comesTo("importer", "CREATE_COMPLETE")
	says("list-imports", cfn(true, "list-imports", "--export-name", "hand-Arn"), `"importer"`)

	// In place; then what replaces, which the importer stands against; then what its service refuses.
	says("a change in place", changeSet("days", "UPDATE", "ParameterKey=Days,ParameterValue=5"),
		`"Replacement": "False"`, `"Name": "VisibilityTimeout"`, `"RequiresRecreation": "Never"`, `"ChangeSource": "ParameterReference"`)
	execute("days", "UPDATE_COMPLETE")
	says("a replacement", changeSet("name", "UPDATE", "ParameterKey=Name,ParameterValue=others"), `"Replacement": "True"`, `"PolicyAction": "ReplaceAndRetain"`, `"RequiresRecreation": "Always"`)
	execute("name", "UPDATE_ROLLBACK_COMPLETE")
	says("why", cfn(true, "describe-stack-events", "--stack-name", "hand"), "Cannot update export hand-Arn as it is in use by importer.")
	changeSet("broken", "UPDATE", "ParameterKey=Days,ParameterValue=99999")
	execute("broken", "UPDATE_ROLLBACK_COMPLETE")
	says("why", cfn(true, "describe-stack-events", "--stack-name", "hand"), "UPDATE_FAILED", "VisibilityTimeout")
	says("the old values", run(true, "sqs", "get-queue-attributes", "--queue-url", o["Url"], "--attribute-names", "All"), `"VisibilityTimeout": "5"`)
	if queues := run(true, "sqs", "list-queues"); strings.Contains(queues, "others-queue") {
		t.Errorf("the rollback left what it made: %s", queues)
	}
	says("an empty change set", changeSet("empty", "UPDATE", "ParameterKey=Days,ParameterValue=5", "ParameterKey=Token,UsePreviousValue=true"), "The submitted information didn't contain changes.")

	// What is protected, and what is imported, stays.
	cfn(true, "update-termination-protection", "--stack-name", "hand", "--enable-termination-protection")
	says("protected", cfn(false, "delete-stack", "--stack-name", "hand"), "cannot be deleted while TerminationProtection is enabled")
	cfn(true, "update-termination-protection", "--stack-name", "hand", "--no-enable-termination-protection")
	cfn(true, "delete-stack", "--stack-name", "hand")
	says("imported", cfn(true, "describe-stacks", "--stack-name", "hand"), "Delete canceled. Cannot delete export hand-Arn as it is in use by importer.", `"Value": "us"`)
	for _, stack := range []string{"importer", "hand"} {
		cfn(true, "delete-stack", "--stack-name", stack)
		for strings.Contains(cfn(true, "describe-stacks"), `"`+stack+`"`) {
			time.Sleep(10 * time.Millisecond)
		}
	}
	says("what was kept", run(true, "logs", "describe-log-groups", "--log-group-name-prefix", "/kept/"), "/kept/orders")
}

// What the AWS CLI does, boto3 does with waiters, and with a creation that fails.
func TestHandWrittenStacksByBoto3(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil || exec.Command(python, "-c", "import boto3").Run() != nil {
		t.Skip("boto3 is not installed: pip install boto3")
	}
	l := start(t, Config{Dir: t.TempDir()})
	cmd := exec.CommandContext(t.Context(), python, filepath.Join("testdata", "handwritten", "life.py"), l.Addresses().Endpoint)
	cmd.Env = append(os.Environ(), "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_EC2_METADATA_DISABLED=true")
	if out, err := cmd.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "ok" {
		t.Errorf("%v: %s", err, out)
	}
}
