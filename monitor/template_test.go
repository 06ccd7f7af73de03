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

	"github.com/ephor-io/ephor"
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
	// What is packed differs with the version of Go's compression, and is tested unpacked.
	packed := regexp.MustCompile(`[A-Za-z0-9+/=]{500,}`)
	named := regexp.MustCompile(`(HostReady(?:Handle)?|Script)[0-9A-F]{8}`)
	path := regexp.MustCompile(`(/script/|EPHOR_SCRIPT=')[0-9a-f]+`)
	// The last piece may be short.
	piece := regexp.MustCompile(`("Type": "String",\s+"Value": ")[A-Za-z0-9+/=]+"`)
	masked := packed.ReplaceAll(piece.ReplaceAll(text(t), []byte(`${1}PACKED"`)), []byte("PACKED"))
	golden(t, "template.json", path.ReplaceAll(named.ReplaceAll(masked, []byte("$1")), []byte("${1}SUM")))
}

func TestTemplatePassesLint(t *testing.T) {
	t.Parallel()
	lints(t, hello())
}

func lints(t *testing.T, g ephor.Grafana) {
	t.Helper()
	lint, err := exec.LookPath("cfn-lint")
	if err != nil {
		t.Skip("cfn-lint is not installed: pip install cfn-lint")
	}
	path := filepath.Join(t.TempDir(), "template.json")
	template, err := json.Marshal(Template(g))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, template, 0o644); err != nil {
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
		if r.Type != "AWS::SSM::Parameter" { // as many as the dashboards need
			got[r.Type]++
		}
	}
	want := map[string]int{
		"AWS::SecretsManager::Secret": 4, "AWS::EC2::Volume": 1, "AWS::EC2::SecurityGroup": 1, "AWS::EC2::EIP": 1, "AWS::EC2::EIPAssociation": 1,
		"AWS::EC2::Instance": 1, "AWS::IAM::Role": 1, "AWS::IAM::InstanceProfile": 1, "AWS::S3::Bucket": 1, "AWS::S3::BucketPolicy": 1, "AWS::CloudWatch::Alarm": 2,
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
	for name, world := range map[string]bool{ParamAllowed: false, ParamWriters: true} {
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
	for id, r := range resources {
		if r["Type"] == "AWS::EC2::Volume" && properties(r)["Encrypted"] != true {
			t.Errorf("%s is not encrypted", id)
		}
	}
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

// TestRoleIsLeast: Session Manager, the stack's own secrets, dashboards, volume and metrics, and by wildcard
// only what AWS cannot narrow.
func TestRoleIsLeast(t *testing.T) {
	t.Parallel()
	resources, _ := plain(t)
	role := properties(resources["HostRole"])
	if role["ManagedPolicyArns"] != nil {
		t.Errorf("the role has managed policies, which change without us: %v", role["ManagedPolicyArns"])
	}
	policies := role["Policies"].([]any)
	if len(policies) != 1 {
		t.Fatalf("%d policies", len(policies))
	}
	var got []string
	for _, s := range policies[0].(map[string]any)["PolicyDocument"].(map[string]any)["Statement"].([]any) {
		m, when := s.(map[string]any), ""
		if branches, ok := m["Fn::If"].([]any); ok {
			if diff := cmp.Diff(map[string]any{"Ref": "AWS::NoValue"}, branches[2]); diff != "" {
				t.Errorf("otherwise (-want +got):\n%s", diff)
			}
			m, when = branches[1].(map[string]any), " if "+branches[0].(string)
		}
		line, err := json.Marshal([]any{m["Effect"], m["Action"], m["Resource"], m["Condition"]})
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(line)+when)
	}
	want := []string{
		`["Allow",["ssm:UpdateInstanceInformation","ssmmessages:CreateControlChannel","ssmmessages:CreateDataChannel","ssmmessages:OpenControlChannel","ssmmessages:OpenDataChannel"],"*",null]`,
		`["Allow",["secretsmanager:GetSecretValue"],[{"Ref":"AdminSecret"},{"Ref":"WriterSecret"},{"Ref":"ReaderSecret"},{"Ref":"GrafanaSecret"}],null]`,
		`["Allow",["ssm:GetParametersByPath"],[{"Fn::Sub":"arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/ephor/${AWS::StackName}/bundle"},{"Fn::Sub":"arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/ephor/${AWS::StackName}/script/*"},{"Fn::Sub":"arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/ephor/${AWS::StackName}/deploys"}],null]`,
		`["Allow",["s3:GetObject","s3:PutObject"],{"Fn::Sub":"arn:${AWS::Partition}:s3:::${BackupBucket}/*"},null]`,
		`["Allow",["s3:ListBucket"],{"Fn::GetAtt":["BackupBucket","Arn"]},null]`,
		`["Allow",["s3:GetObject","s3:ListBucket"],[{"Fn::Sub":"arn:${AWS::Partition}:s3:::${RestoreFrom}"},{"Fn::Sub":"arn:${AWS::Partition}:s3:::${RestoreFrom}/*"}],null] if RestoreGiven`,
		`["Allow",["ec2:DescribeInstances","ec2:DescribeVolumes"],"*",null]`,
		`["Allow",["ec2:AttachVolume","ec2:DetachVolume"],{"Fn::Sub":"arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:volume/${DataVolume}"},null]`,
		`["Allow",["ec2:AttachVolume","ec2:DetachVolume","ec2:StopInstances"],{"Fn::Sub":"arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:instance/*"},{"StringEquals":{"aws:ResourceTag/ephor:stack":{"Ref":"AWS::StackId"}}}]`,
		`["Allow",["cloudwatch:PutMetricData"],"*",{"StringEquals":{"cloudwatch:namespace":{"Fn::Sub":"Ephor/${AWS::StackName}"}}}]`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	tags, _ := json.Marshal(properties(resources["Host"])["Tags"])
	if want := `{"Key":"ephor:stack","Value":{"Ref":"AWS::StackId"}}`; !strings.Contains(string(tags), want) {
		t.Errorf("the host has not the tag that the role knows it by: %s", tags)
	}
}

// TestRoleTrustsEC2Alone, and no account, user or other service.
func TestRoleTrustsEC2Alone(t *testing.T) {
	t.Parallel()
	resources, _ := plain(t)
	want := map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
		"Effect": "Allow", "Principal": map[string]any{"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}}}
	if diff := cmp.Diff(want, properties(resources["HostRole"])["AssumeRolePolicyDocument"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestVolumeOutlivesTheHost: it is no part of the instance, is in the same zone, and nothing but a
// failed first creation deletes it.
func TestVolumeOutlivesTheHost(t *testing.T) {
	t.Parallel()
	resources, _ := plain(t)
	disk, host := resources["DataVolume"], resources["Host"]
	if disk["DeletionPolicy"] != "RetainExceptOnCreate" || disk["UpdateReplacePolicy"] != "Retain" {
		t.Errorf("the volume goes with the stack or its replacement: %v, %v", disk["DeletionPolicy"], disk["UpdateReplacePolicy"])
	}
	if diff := cmp.Diff(properties(disk)["AvailabilityZone"], properties(host)["AvailabilityZone"]); diff != "" {
		t.Errorf("volume and host can be in different zones (-volume +host):\n%s", diff)
	}
	if text, _ := json.Marshal(properties(disk)); strings.Contains(string(text), `"Host"`) {
		t.Errorf("the volume depends on the host, so it is replaced with it: %s", text)
	}
}

// TestAddressIsTheStacksOwn: it does not change with the machine, so what is exported does not.
func TestAddressIsTheStacksOwn(t *testing.T) {
	t.Parallel()
	resources, _ := plain(t)
	if text, _ := json.Marshal(resources["HostAddress"]); strings.Contains(string(text), `"Host"`) {
		t.Errorf("the address depends on the host: %s", text)
	}
	want := map[string]any{"AllocationId": map[string]any{"Fn::GetAtt": []any{"HostAddress", "AllocationId"}}, "InstanceId": map[string]any{"Ref": "Host"}}
	if diff := cmp.Diff(want, properties(resources["HostAddressAssociation"])); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestImageIsDebians, by the public parameter that Debian keeps up to date.
func TestImageIsDebians(t *testing.T) {
	t.Parallel()
	p := parameters()[ParamImage]
	if p.Type != "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>" || p.Default != "/aws/service/debian/release/13/latest/arm64" {
		t.Errorf("%s: %v", p.Type, p.Default)
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
		template, _ := generate["SecretStringTemplate"].(string)
		want := map[string]any{"SecretStringTemplate": template, "GenerateStringKey": "password", "PasswordLength": 40.0, "ExcludePunctuation": true}
		if diff := cmp.Diff(want, generate); diff != "" {
			t.Errorf("%s is of other characters, or of fewer (-want +got):\n%s", id, diff)
		}
	}
	if s := string(text(t)); strings.Contains(s, "{{resolve:") {
		t.Error("the template resolves a secret, which then stands in the stack's properties")
	}
}

// TestHostAndStackUnderstandEachOther goes the whole way: the user data that CloudFormation would
// give, read by the host, its signal, and the outputs that are cut out of it.
func TestHostAndStackUnderstandEachOther(t *testing.T) {
	t.Parallel()
	template, err := parse.Parse(text(t))
	if err != nil {
		t.Fatal(err)
	}
	scope := func(data string) *eval.Scope { return scopeOf(template, fixed{data}, "1.13.1-1") }
	host, err := scope("").Properties("Host")
	if err != nil {
		t.Fatal(err)
	}
	if host["ImageId"] != "ami-1" {
		t.Errorf("a new host has the image %v", host["ImageId"])
	}
	kept := scope("")
	kept.Conditions[imageKept] = true
	if p, err := kept.Properties("Host"); err != nil || p["ImageId"] != "ami-0" {
		t.Errorf("a host that keeps its image has %v: %v", p["ImageId"], err)
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
		"GrafanaURL": "https://192.0.2.7:3000", "GrafanaSecret": "arn:of:GrafanaSecret", "BackupBucket": "arn:of:BackupBucket", "HostImage": "ami-1", "DashboardURL": "https://192.0.2.7:3000/d/sparta-hello-world/sparta-hello-world",
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

func TestTemplateFitsIntoARequest(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(Template(hello())) // as it is sent
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > parse.MaxInline {
		t.Errorf("the template has %d bytes; CloudFormation takes %d in a request", len(b), parse.MaxInline)
	}
	t.Logf("%d of %d bytes", len(b), parse.MaxInline)
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
