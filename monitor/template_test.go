package monitor

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/cfn/eval"
	"github.com/ephor-io/ephor/cfn/parse"
)

func text(t *testing.T) []byte {
	t.Helper()
	b, err := json.MarshalIndent(Template(hello()), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

func TestTemplate(t *testing.T) {
	t.Parallel()
	golden(t, "template.json", text(t))
}

func TestTemplatePassesLint(t *testing.T) {
	t.Parallel()
	lint, err := exec.LookPath("cfn-lint")
	if err != nil {
		t.Skip("cfn-lint is not installed: pip install cfn-lint")
	}
	path := filepath.Join(t.TempDir(), "template.json")
	if err := os.WriteFile(path, text(t), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(lint, path).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

// plain is the template as CloudFormation reads it: maps, slices, strings.
func plain(t *testing.T) (resources, parameters map[string]map[string]any) {
	t.Helper()
	var v struct{ Resources, Parameters map[string]map[string]any }
	if err := json.Unmarshal(text(t), &v); err != nil {
		t.Fatal(err)
	}
	return v.Resources, v.Parameters
}

func properties(r map[string]any) map[string]any { p, _ := r["Properties"].(map[string]any); return p }

// TestNothingElseIsMade holds the list of what the stack may consist of.
func TestNothingElseIsMade(t *testing.T) {
	t.Parallel()
	got := map[string]int{}
	for _, r := range Template(hello()).Resources {
		got[r.Type]++
	}
	want := map[string]int{
		"AWS::SecretsManager::Secret": 2, "AWS::EC2::SecurityGroup": 1, "AWS::EC2::EIP": 1, "AWS::EC2::EIPAssociation": 1,
		"AWS::EC2::Instance": 1, "AWS::IAM::Role": 1, "AWS::IAM::InstanceProfile": 1,
		"AWS::CloudFormation::WaitConditionHandle": 1, "AWS::CloudFormation::WaitCondition": 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOnlyTwoPortsAreOpen(t *testing.T) {
	t.Parallel()
	resources, _ := plain(t)
	var got []string
	for id, r := range resources {
		rules, _ := properties(r)["SecurityGroupIngress"].([]any)
		for _, rule := range rules {
			m := rule.(map[string]any)
			if m["FromPort"] != m["ToPort"] || m["IpProtocol"] != "tcp" {
				t.Errorf("%s opens a range: %v", id, m)
			}
			from, _ := json.Marshal([]any{m["FromPort"], m["CidrIp"]})
			got = append(got, string(from))
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{`[3000,{"Ref":"AllowedCIDR"}]`, `[8086,{"Ref":"WritersCIDR"}]`}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Nothing is open by default, Grafana is never open to all, and the store only by that very word.
func TestNobodyIsLetInByDefault(t *testing.T) {
	t.Parallel()
	for name, world := range map[string]bool{paramAllowed: false, ParamWriters: true} {
		p := parameters()[name]
		if p.Default != "127.0.0.1/32" {
			t.Errorf("%s: the default is %v", name, p.Default)
		}
		pattern := regexp.MustCompile(p.AllowedPattern)
		for cidr, want := range map[string]bool{
			"203.0.113.7/32": true, "10.0.0.0/8": true, "127.0.0.1/32": true,
			"0.0.0.0/0": world, "203.0.113.7/0": false, "203.0.113.7": false, "256.0.0.1/32": false, "1.2.3.4/33": false,
			"::/0": false, "1.2.3.4/32,0.0.0.0/0": false, "": false, "0.0.0.0/0\n": false, "00.0.0.0/0": false, "0.0.0.0/00": false,
		} {
			if pattern.MatchString(cidr) != want {
				t.Errorf("%s: %q: allowed is %v, want %v", name, cidr, !want, want)
			}
		}
	}
}

func TestMetadataServiceIsVersion2Only(t *testing.T) {
	t.Parallel()
	resources, _ := plain(t)
	want := map[string]any{"HttpEndpoint": "enabled", "HttpTokens": "required", "HttpPutResponseHopLimit": 1.0}
	if diff := cmp.Diff(want, properties(resources["Host"])["MetadataOptions"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEveryVolumeIsEncrypted(t *testing.T) {
	t.Parallel()
	resources, _ := plain(t)
	devices, _ := properties(resources["Host"])["BlockDeviceMappings"].([]any)
	if len(devices) == 0 {
		t.Fatal("the host names no volume, so it has its image's")
	}
	for _, d := range devices {
		if d.(map[string]any)["Ebs"].(map[string]any)["Encrypted"] != true {
			t.Errorf("not encrypted: %v", d)
		}
	}
}

func TestNoKeyPairAndNoSSH(t *testing.T) {
	t.Parallel()
	if s := string(text(t)); strings.Contains(s, "KeyName") || regexp.MustCompile(`(From|To)Port": 22\b`).MatchString(s) {
		t.Error("the host can be reached by SSH")
	}
}

// TestRoleIsLeast: Session Manager, and the stack's own two secrets, and nothing by wildcard.
func TestRoleIsLeast(t *testing.T) {
	t.Parallel()
	resources, _ := plain(t)
	role := properties(resources["HostRole"])
	got, err := json.Marshal([]any{role["ManagedPolicyArns"], role["Policies"]})
	if err != nil {
		t.Fatal(err)
	}
	want := `[[{"Fn::Sub":"arn:${AWS::Partition}:iam::aws:policy/AmazonSSMManagedInstanceCore"}],` +
		`[{"PolicyDocument":{"Statement":[{"Action":"secretsmanager:GetSecretValue","Effect":"Allow",` +
		`"Resource":[{"Ref":"WriterSecret"},{"Ref":"GrafanaSecret"}]}],"Version":"2012-10-17"},"PolicyName":"secrets"}]]`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestSecretsAreGeneratedAndStayWhereTheyAre: no value of one is in the template, and nothing of
// the stack reads one but the host, by ARN.
func TestSecretsAreGeneratedAndStayWhereTheyAre(t *testing.T) {
	t.Parallel()
	resources, _ := plain(t)
	for id, r := range resources {
		if r["Type"] != "AWS::SecretsManager::Secret" {
			continue
		}
		generate, ok := properties(r)["GenerateSecretString"].(map[string]any)
		if !ok || properties(r)["SecretString"] != nil {
			t.Errorf("%s is not generated", id)
		}
		if n, _ := generate["PasswordLength"].(float64); n < 32 {
			t.Errorf("%s has %v characters", id, n)
		}
	}
	if s := string(text(t)); strings.Contains(s, "{{resolve:") {
		t.Error("the template resolves a secret, which then stands in the stack's properties")
	}
}

// fixed answers references as CloudFormation would once the stack is made.
type fixed struct{ data string }

func (f fixed) Ref(id string) (any, error) {
	switch id {
	case "HostReadyHandle":
		return "https://example.com/handle?a=1&b=%2F", nil
	case "HostAddress":
		return "192.0.2.7", nil
	default:
		return "arn:of:" + id, nil
	}
}

func (f fixed) Attribute(id, name string) (any, error) {
	if id == "HostReady" && name == "Data" {
		return f.data, nil
	}
	return id + "." + name, nil
}

// TestHostAndStackUnderstandEachOther goes the whole way: the user data that CloudFormation would
// give, read by the host, its signal, and the outputs that are cut out of it.
func TestHostAndStackUnderstandEachOther(t *testing.T) {
	t.Parallel()
	template, err := parse.Parse(text(t))
	if err != nil {
		t.Fatal(err)
	}
	scope := func(data string) *eval.Scope {
		return &eval.Scope{
			Template:   template,
			Parameters: map[string]any{paramImage: "ami-1", paramInstanceType: "t4g.small", paramVolume: "20", paramAllowed: "127.0.0.1/32", ParamWriters: "0.0.0.0/0"},
			Pseudo:     eval.Pseudo{StackName: "Hello-Monitoring", Region: "eu-central-1", AccountID: "000000000000"},
			Resources:  fixed{data},
		}
	}
	host, err := scope("").Properties("Host")
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseUserData(host["UserData"].(string))
	if err != nil {
		t.Fatal(err)
	}
	want := Settings{
		Stack: "Hello-Monitoring", Region: "eu-central-1", Signal: "https://example.com/handle?a=1&b=%2F", Database: "ephor",
		Address: "192.0.2.7", WriterSecret: "arn:of:WriterSecret", GrafanaSecret: "arn:of:GrafanaSecret", StorePort: 8086, GrafanaPort: 3000,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}

	body, err := Signal{StoreURL: "https://192.0.2.7:8086", GrafanaURL: "https://192.0.2.7:3000", CA: "TUlJ+/=="}.Body()
	if err != nil {
		t.Fatal(err)
	}
	var sent struct{ Status, UniqueId, Data string }
	if err := json.Unmarshal(body, &sent); err != nil || sent.Status != "SUCCESS" {
		t.Fatalf("the signal %s: %v", body, err)
	}
	data, err := json.Marshal(map[string]string{sent.UniqueId: sent.Data})
	if err != nil {
		t.Fatal(err)
	}
	values, exports := outputsOf(t, scope(string(data)))
	if diff := cmp.Diff(map[string]string{
		"StoreURL": "https://192.0.2.7:8086", "StoreDatabase": "ephor", "StoreCA": "TUlJ+/==", "StoreSecret": "arn:of:WriterSecret",
		"GrafanaURL": "https://192.0.2.7:3000", "DashboardURL": "https://192.0.2.7:3000/d/sparta-hello-world/sparta-hello-world",
	}, values); diff != "" {
		t.Errorf("outputs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"Hello-Monitoring-GrafanaURL", "Hello-Monitoring-StoreCA", "Hello-Monitoring-StoreDatabase",
		"Hello-Monitoring-StoreSecret", "Hello-Monitoring-StoreURL",
	}, exports); diff != "" {
		t.Errorf("exports (-want +got):\n%s", diff)
	}
}

func outputsOf(t *testing.T, scope *eval.Scope) (values map[string]string, exports []string) {
	t.Helper()
	values = map[string]string{}
	for id, o := range scope.Template.Outputs {
		v, err := scope.Value("Outputs."+id+".Value", o.Value)
		if err != nil {
			t.Fatal(err)
		}
		values[id] = v.(string)
		if o.Export != nil {
			name, err := scope.Value("Outputs."+id+".Export.Name", o.Export.Name)
			if err != nil {
				t.Fatal(err)
			}
			exports = append(exports, name.(string))
		}
	}
	slices.Sort(exports)
	return values, exports
}

func TestTemplateFitsIntoARequest(t *testing.T) {
	t.Parallel()
	if n := len(text(t)); n > parse.MaxInline {
		t.Errorf("the template has %d bytes; CloudFormation takes %d in a request", n, parse.MaxInline)
	}
}

func TestInstanceTypesAreOfTheImagesArchitecture(t *testing.T) {
	t.Parallel()
	pattern := regexp.MustCompile(Template(hello()).Parameters[paramInstanceType].AllowedPattern)
	for kind, want := range map[string]bool{"t4g.small": true, "m7g.large": true, "c7gn.xlarge": true, "x2gd.medium": true, "t3.small": false, "g5.xlarge": false, "t4g": false} {
		if pattern.MatchString(kind) != want {
			t.Errorf("%s: allowed is %v, want %v", kind, !want, want)
		}
	}
}
