package iam

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

const (
	lambdaTrust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	readAll     = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["s3:GetObject"],"Resource":"*"}}`
	basic       = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wants(t testing.TB, err error, code, text string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want %s with %q", code, text)
	} else if e := awsproto.From(err); e.Code != code || !strings.Contains(e.Message, text) {
		t.Errorf("the error is %v, want %s with %q", err, code, text)
	}
}

func openService(t testing.TB, dir string) *Service {
	t.Helper()
	s, err := Open(Config{Dir: dir})
	must(t, err)
	return s
}

func TestRolesAndProfilesSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openService(t, dir)
	role, err := s.CreateRole(RoleInput{RoleName: "..Reader", Path: "/app/", AssumeRolePolicyDocument: lambdaTrust, ManagedPolicyArns: []string{basic},
		Policies: map[string]string{"read": readAll}, Tags: map[string]string{"a": "b"}, Description: "reads"})
	must(t, err)
	if role.Arn != "arn:aws:iam::000000000000:role/app/..Reader" || len(role.RoleID) != 21 || !strings.HasPrefix(role.RoleID, "AROA") || role.MaxSessionDuration != 3600 {
		t.Errorf("%+v", role)
	}
	_, err = s.CreateRole(RoleInput{RoleName: "..READER", AssumeRolePolicyDocument: lambdaTrust})
	wants(t, err, "EntityAlreadyExists", "..READER")
	profile, err := s.CreateInstanceProfile(InstanceProfileInput{InstanceProfileName: "host", Roles: []string{"..reader"}})
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "roles", ".half-1"), []byte("{"), 0o600))

	s = openService(t, dir)
	got, err := s.GetRole("..reader")
	must(t, err)
	if diff := cmp.Diff(role, got); diff != "" {
		t.Error(diff)
	}
	gotProfile, err := s.GetInstanceProfile("host")
	must(t, err)
	if diff := cmp.Diff(profile, gotProfile); diff != "" || profile.Roles[0] != "..Reader" {
		t.Errorf("%v\n%s", profile.Roles, diff)
	}

	in := role.RoleInput
	in.Policies, in.Description = nil, "changed"
	updated, err := s.UpdateRole(in)
	must(t, err)
	if updated.RoleID != role.RoleID || updated.Description != "changed" || len(updated.Policies) != 0 {
		t.Errorf("%+v", updated)
	}
	in.Path = "/other/"
	_, err = s.UpdateRole(in)
	wants(t, err, "ValidationError", "path")

	wants(t, s.DeleteRole("..Reader"), "DeleteConflict", "instance profile")
	_, err = s.UpdateInstanceProfile(InstanceProfileInput{InstanceProfileName: "host", Roles: []string{"a", "b"}})
	wants(t, err, "ValidationError", "one role")
	_, err = s.UpdateInstanceProfile(InstanceProfileInput{InstanceProfileName: "host", Roles: []string{"nobody"}})
	wants(t, err, "NoSuchEntity", "nobody")
	_, err = s.UpdateInstanceProfile(InstanceProfileInput{InstanceProfileName: "host"})
	must(t, err)
	must(t, s.DeleteRole("..Reader"))
	must(t, s.DeleteInstanceProfile("host"))
	wants(t, s.DeleteInstanceProfile("host"), "NoSuchEntity", "host")
	wants(t, s.DeleteRole("..Reader"), "NoSuchEntity", "..Reader")
	s = openService(t, dir)
	if len(s.ListRoles())+len(s.ListInstanceProfiles()) != 0 {
		t.Error("what was deleted is back")
	}
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	good := func(p purpose, document string) {
		t.Helper()
		if err := checkPolicy(document, p); err != nil {
			t.Errorf("%s: %v", document, err)
		}
	}
	good(trust, lambdaTrust)
	good(trust, `{"Statement":{"Effect":"Deny","NotPrincipal":{"AWS":["a","b"]},"Action":["sts:AssumeRole","sts:TagSession"],"Condition":{"StringEquals":{"a":["b"]}}}}`)
	good(trust, `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}]}`)
	good(permissions, readAll)
	good(permissions, `{"Version":"2008-10-17","Id":"x","Statement":[{"Sid":"s","Effect":"Allow","NotAction":"*","NotResource":["a"]}]}`)
	bad := func(p purpose, document, text string) {
		t.Helper()
		wants(t, checkPolicy(document, p), "MalformedPolicyDocument", text)
	}
	bad(trust, ``, "Json")
	bad(trust, `[]`, "Json")
	bad(trust, lambdaTrust+"x", "Json")
	bad(trust, `{"Statement":[]}`, "Statement")
	bad(trust, `{"Version":"2020-01-01","Statement":[{}]}`, "2020-01-01")
	bad(trust, `{"Statement":[{"Effect":"Maybe","Principal":"*","Action":"a"}]}`, "Maybe")
	bad(trust, readAll, "principal")
	bad(trust, `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"a","Resource":"*"}]}`, "Resource")
	bad(permissions, lambdaTrust, "principal")
	bad(permissions, `{"Statement":[{"Effect":"Allow","Action":"a"}]}`, "Resource")
	bad(permissions, `{"Statement":[{"Effect":"Allow","Resource":"*"}]}`, "Action")
	bad(permissions, `{"Statement":[{"Effect":"Allow","Action":"a","NotAction":"b","Resource":"*"}]}`, "Action")
	bad(permissions, `{"Statement":[{"Effect":"Allow","Action":7,"Resource":"*"}]}`, "Json")
	bad(permissions, `{"Statement":[{"Effect":"Allow","Action":"a","Resource":"*","Typo":1}]}`, "Typo")
	bad(permissions, `{"Statement":{"Effect":"Allow","Action":"a","Resource":"*","Typo":1}}`, "Typo")
}

func FuzzPolicy(f *testing.F) {
	f.Add(lambdaTrust)
	f.Add(readAll)
	f.Fuzz(func(t *testing.T, document string) {
		if checkPolicy(document, trust) == nil && !json.Valid([]byte(document)) {
			t.Errorf("%q is taken and no JSON", document)
		}
		if checkPolicy(document, trust) == nil && checkPolicy(document, permissions) == nil {
			t.Errorf("%q is of both kinds", document)
		}
	})
}

func TestWhatARoleMayNotBe(t *testing.T) {
	t.Parallel()
	s := openService(t, t.TempDir())
	f := func(text string, edit func(*RoleInput)) {
		t.Helper()
		in := RoleInput{RoleName: "r", AssumeRolePolicyDocument: lambdaTrust}
		edit(&in)
		_, err := s.CreateRole(in)
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%+v: %v, want an error with %q", in, err, text)
		}
	}
	f("roleName", func(in *RoleInput) { in.RoleName = "a/b" })
	f("roleName", func(in *RoleInput) { in.RoleName = strings.Repeat("a", 65) })
	f("path", func(in *RoleInput) { in.Path = "app" })
	f("maxSessionDuration", func(in *RoleInput) { in.MaxSessionDuration = 60 })
	f("policyName", func(in *RoleInput) { in.Policies = map[string]string{"a b": readAll} })
	f("MalformedPolicyDocument", func(in *RoleInput) { in.Policies = map[string]string{"a": "{}"} })
	f("ARN", func(in *RoleInput) { in.ManagedPolicyArns = []string{"ReadOnly"} })
	if len(s.ListRoles()) != 0 {
		t.Error("a refused role is there")
	}
}

func TestTheWire(t *testing.T) {
	t.Parallel()
	s := openService(t, t.TempDir())
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	f := func(wantStatus int, wantText string, values ...string) {
		t.Helper()
		form := url.Values{"Version": {"2010-05-08"}}
		for i := 0; i < len(values); i += 2 {
			form.Set(values[i], values[i+1])
		}
		res, err := http.PostForm(server.URL, form)
		must(t, err)
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		if res.StatusCode != wantStatus || !strings.Contains(string(body), wantText) {
			t.Errorf("%v: %d %s, want %d with %q", values, res.StatusCode, body, wantStatus, wantText)
		}
	}
	f(200, "<RoleName>r</RoleName>", "Action", "CreateRole", "RoleName", "r", "AssumeRolePolicyDocument", lambdaTrust, "Tags.member.1.Key", "k", "Tags.member.1.Value", "v")
	f(409, "EntityAlreadyExists", "Action", "CreateRole", "RoleName", "r", "AssumeRolePolicyDocument", lambdaTrust)
	f(400, "ValidationError", "Action", "CreateRole", "RoleName", "x", "AssumeRolePolicyDocument", lambdaTrust, "MaxSessionDuration", "long")
	_, err := s.UpdateRole(RoleInput{RoleName: "r", AssumeRolePolicyDocument: lambdaTrust, ManagedPolicyArns: []string{basic}, Policies: map[string]string{"read": readAll}})
	must(t, err)
	f(200, "%22Effect%22%3A%22Allow%22", "Action", "GetRole", "RoleName", "r")
	f(200, "<member>read</member>", "Action", "ListRolePolicies", "RoleName", "r")
	f(200, "<PolicyName>AWSLambdaBasicExecutionRole</PolicyName>", "Action", "ListAttachedRolePolicies", "RoleName", "r")
	f(200, "s3%3AGetObject", "Action", "GetRolePolicy", "RoleName", "r", "PolicyName", "read")
	f(404, "NoSuchEntity", "Action", "GetRolePolicy", "RoleName", "r", "PolicyName", "none")
	f(404, "NoSuchEntity", "Action", "ListRolePolicies", "RoleName", "none")
	f(200, "<RoleId>AROA", "Action", "ListRoles")
	f(409, "DeleteConflict", "Action", "DeleteRole", "RoleName", "r")
	f(400, "InvalidAction", "Action", "CreateUser")
	_, err = s.UpdateRole(RoleInput{RoleName: "r", AssumeRolePolicyDocument: lambdaTrust})
	must(t, err)
	f(200, "DeleteRoleResponse", "Action", "DeleteRole", "RoleName", "r")
}

func TestBoto3(t *testing.T) {
	t.Parallel()
	if exec.Command("python3", "-c", "import boto3").Run() != nil {
		t.Skip("boto3 is not installed: pip install boto3")
	}
	s := openService(t, t.TempDir())
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	cmd := exec.CommandContext(t.Context(), "python3", "-c", `
import boto3, json
iam = boto3.client("iam")
trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
made = iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(trust), Tags=[{"Key": "k", "Value": "v"}])["Role"]
got = iam.get_role(RoleName="r")["Role"]
assert got["AssumeRolePolicyDocument"] == trust and got["Tags"] == [{"Key": "k", "Value": "v"}] and got["Arn"] == made["Arn"], got
assert [r["RoleName"] for r in iam.list_roles()["Roles"]] == ["r"]
assert iam.list_role_policies(RoleName="r")["PolicyNames"] == []
iam.delete_role(RoleName="r")
try:
    iam.get_role(RoleName="r")
    assert False
except iam.exceptions.NoSuchEntityException:
    pass
`)
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+server.URL, "AWS_ACCESS_KEY_ID=id", "AWS_SECRET_ACCESS_KEY=secret", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
