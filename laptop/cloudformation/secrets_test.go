package cloudformation

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// noSecrets fails if a secret stands in anything that the Service keeps or tells.
func (f *fixture) noSecrets(secrets ...string) {
	f.Helper()
	check := func(where, text string) {
		for _, s := range secrets {
			if strings.Contains(text, s) {
				f.Errorf("%s shows %q: %s", where, s, text)
			}
		}
	}
	if err := filepath.WalkDir(f.config.Dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		check(path, string(data))
		return err
	}); err != nil {
		f.Fatal(err)
	}
	for _, e := range f.events {
		check("an event", fmt.Sprintf("%+v", e))
	}
	check("the stacks", f.post("DescribeStacks"))
	check("the events", f.post("DescribeStackEvents", "StackName", "S"))
	check("the resources", f.post("DescribeStackResources", "StackName", "S"))
}

func TestSecretsStayWithTheProvider(t *testing.T) {
	t.Parallel()
	store := vault{"db": `{"username":"writer","password":"p\"w\u00e9 <hunter2>"}`, "other": "s3cret"}
	f := start(t, func(c *Config) { c.Secrets = store })
	const template = `
Resources:
  A:
    Type: Test::Memory::Thing
    Properties:
      Secret: ["writer:{{resolve:secretsmanager:db:SecretString:password}}", "{{resolve:secretsmanager:other}}"]
Outputs:
  Text: {Value: "{{resolve:secretsmanager:other}}"}
`
	password := `p"wé <hunter2>`
	f.create("S", template)
	if got, want := f.memory.secret("A"), "[writer:"+password+" s3cret]"; got != want {
		t.Errorf("the provider got %q, want %q", got, want)
	}
	if got := f.outputs("S")["Text"]; got != "{{resolve:secretsmanager:other}}" {
		t.Errorf("the output is %q", got)
	}

	// A provider that tells the secret in its error does not get it through, in any spelling.
	f.memory.failAt("update A", fmt.Errorf("cannot use %s, %q or s3cret", password, password))
	f.update("S", strings.Replace(template, "writer:", "reader:", 1))
	trace := strings.Join(f.trace("S"), "\n")
	if want := `A UPDATE_FAILED cannot use ****, "****" or ****`; !strings.Contains(trace, want) {
		t.Errorf("no %q in %s", want, trace)
	}
	f.memory.failAt("update A", nil)
	f.again()
	if err := f.service.Restore(t.Context()); err != nil {
		t.Error(err)
	}
	f.noSecrets(password, "hunter2", "s3cret")

	// To delete a resource, its secrets are not needed.
	delete(store, "db")
	if got := f.remove("S"); got != deleteComplete {
		t.Errorf("after delete: %s", got)
	}
}

func TestMissingSecretFailsTheResource(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.create("S", `{"Resources": {"A": {"Type": "Test::Memory::Thing", "Properties": {"Value": "{{resolve:secretsmanager:none}}"}}}}`)
	want := "A CREATE_FAILED Secrets Manager can't find the specified secret: {{resolve:secretsmanager:none}}"
	if trace := strings.Join(f.trace("S"), "\n"); !strings.Contains(trace, want) {
		t.Errorf("no %q in %s", want, trace)
	}
	if log := f.memory.done(); len(log) > 0 {
		t.Errorf("the provider was asked: %v", log)
	}
}

// secret is the Secret property of the thing with a logical ID.
func (m *memory) secret(logical string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range m.things {
		if t.Logical == logical {
			return fmt.Sprint(t.Properties["Secret"])
		}
	}
	return ""
}

// A dynamic reference in an imported ARN, as an application refers to its store's password.
func TestDynamicReferenceToAnImport(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:secretsmanager:us-east-1:000000000000:secret:store-AbCdEf"
	f := start(t, func(c *Config) { c.Secrets = vault{arn: `{"password":"geheim"}`} })
	f.create("Store", `
Resources: {A: {Type: Test::Memory::Thing}}
Outputs: {Secret: {Value: "`+arn+`", Export: {Name: Store-StoreSecret}}}`)
	f.create("S", `
Resources:
  F:
    Type: Test::Memory::Thing
    Properties:
      Secret: !Sub ["writer:{{resolve:secretsmanager:${Arn}:SecretString:password}}", {Arn: !ImportValue Store-StoreSecret}]
`)
	if got := f.memory.secret("F"); got != "writer:geheim" {
		t.Errorf("F is %q", got)
	}
	f.noSecrets("geheim")
}
