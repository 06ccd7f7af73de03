package secretsmanager

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wants(t testing.TB, err error, code, text string) {
	t.Helper()
	var e *awsproto.Error
	if !errors.As(err, &e) || e.Code != code || !strings.Contains(e.Message, text) {
		t.Errorf("the error is %v, want %s with %q", err, code, text)
	}
}

func openService(t testing.TB, dir string) *Service {
	t.Helper()
	s, err := Open(Config{Dir: dir})
	must(t, err)
	return s
}

func TestGeneratedPasswords(t *testing.T) {
	t.Parallel()
	no := false
	f := func(g Generate, wantLength int, wanted, unwanted string) {
		t.Helper()
		for range 50 {
			text, err := g.Secret()
			must(t, err)
			if len(text) != wantLength {
				t.Errorf("%+v: %q has %d characters, want %d", g, text, len(text), wantLength)
			}
			for _, types := range strings.Fields(wanted) {
				if !strings.ContainsAny(text, types) {
					t.Errorf("%+v: %q has none of %q", g, text, types)
				}
			}
			if strings.ContainsAny(text, unwanted) {
				t.Errorf("%+v: %q has some of %q", g, text, unwanted)
			}
		}
	}
	every := strings.Join([]string{lowercase, uppercase, numbers, punctuation}, " ")
	f(Generate{}, 32, every, " ")
	f(Generate{PasswordLength: 4}, 4, every, " ")
	f(Generate{PasswordLength: 4096}, 4096, every, " ")
	f(Generate{ExcludePunctuation: true, PasswordLength: 20}, 20, lowercase+" "+uppercase+" "+numbers, punctuation+" ")
	f(Generate{ExcludeLowercase: true, ExcludeUppercase: true, ExcludePunctuation: true, PasswordLength: 8}, 8, numbers, lowercase+uppercase+punctuation)
	f(Generate{ExcludeCharacters: "aeiou\"'\\/"}, 32, numbers, "aeiou\"'\\/")
	f(Generate{ExcludeNumbers: true}, 32, lowercase, numbers)
	f(Generate{ExcludeLowercase: true, ExcludeUppercase: true, ExcludePunctuation: true, ExcludeCharacters: numbers, IncludeSpace: true, PasswordLength: 3}, 3, "", every[:26])
	f(Generate{RequireEachIncludedType: &no, PasswordLength: 1}, 1, "", " ")

	bad := func(g Generate, text string) {
		t.Helper()
		_, err := g.Secret()
		wants(t, err, "InvalidParameterException", text)
	}
	bad(Generate{PasswordLength: 3}, "required")
	bad(Generate{PasswordLength: 4097}, "4097")
	bad(Generate{PasswordLength: -1}, "-1")
	bad(Generate{ExcludeLowercase: true, ExcludeUppercase: true, ExcludePunctuation: true, ExcludeNumbers: true}, "excluded")
	bad(Generate{GenerateStringKey: "k"}, "together")
	bad(Generate{SecretStringTemplate: "{}"}, "together")
	bad(Generate{GenerateStringKey: "k", SecretStringTemplate: "[]"}, "JSON object")
	bad(Generate{GenerateStringKey: "k", SecretStringTemplate: "null"}, "JSON object")

	text, err := Generate{GenerateStringKey: "password", SecretStringTemplate: `{"username":"writer","n":1}`, PasswordLength: 40}.Secret()
	must(t, err)
	var got map[string]any
	must(t, json.Unmarshal([]byte(text), &got))
	password, _ := got["password"].(string)
	delete(got, "password")
	if diff := cmp.Diff(map[string]any{"username": "writer", "n": 1.0}, got); diff != "" || len(password) != 40 {
		t.Errorf("%s\n%s", text, diff)
	}
}

func TestSecretsSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openService(t, dir)
	made, err := s.CreateSecret(SecretInput{Name: "app/../writer", Description: "d", Tags: map[string]string{"a": "b"},
		GenerateSecretString: &Generate{GenerateStringKey: "password", SecretStringTemplate: `{"username":"writer"}`, ExcludePunctuation: true}})
	must(t, err)
	const prefix = "arn:aws:secretsmanager:us-east-1:000000000000:secret:app/../writer-"
	if !strings.HasPrefix(made.ARN, prefix) || len(made.ARN) != len(prefix)+6 || len(made.VersionIDsToStages) != 1 {
		t.Errorf("%+v", made)
	}
	before, err := s.GetSecretValue(made.Name, "", "")
	must(t, err)
	must(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		must(t, err)
		info, err := d.Info()
		must(t, err)
		if !d.IsDir() && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return nil
	}))
	must(t, os.WriteFile(filepath.Join(dir, ".half-1"), []byte("{"), 0o600))
	s = openService(t, dir)
	for _, id := range []string{made.Name, made.ARN, made.ARN[:len(made.ARN)-7]} {
		after, err := s.GetSecretValue(id, "", "")
		must(t, err)
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("%s:\n%s", id, diff)
		}
	}
	var text struct{ Password string }
	must(t, json.Unmarshal([]byte(*before.SecretString), &text))
	if len(text.Password) != 32 {
		t.Errorf("the password has %d characters", len(text.Password))
	}
	_, err = s.CreateSecret(SecretInput{Name: made.Name})
	wants(t, err, "ResourceExistsException", made.Name)
}

func TestVersions(t *testing.T) {
	t.Parallel()
	s := openService(t, t.TempDir())
	value := func(id, version, stage string) string {
		t.Helper()
		v, err := s.GetSecretValue(id, version, stage)
		must(t, err)
		return *v.SecretString
	}
	_, err := s.CreateSecret(SecretInput{Name: "s"})
	must(t, err)
	_, err = s.GetSecretValue("s", "", "")
	wants(t, err, "ResourceNotFoundException", "AWSCURRENT")
	first, err := s.PutSecretValue("s", SecretInput{SecretString: "one", ClientRequestToken: "t1"}, nil)
	must(t, err)
	again, err := s.PutSecretValue("s", SecretInput{SecretString: "one", ClientRequestToken: "t1"}, nil)
	must(t, err)
	if first.VersionID != "t1" || again.VersionID != "t1" {
		t.Errorf("%s, %s", first.VersionID, again.VersionID)
	}
	_, err = s.PutSecretValue("s", SecretInput{SecretString: "other", ClientRequestToken: "t1"}, nil)
	wants(t, err, "ResourceExistsException", "t1")
	_, err = s.UpdateSecret("s", SecretInput{SecretString: "two", ClientRequestToken: "t2", Description: "d"})
	must(t, err)
	_, err = s.PutSecretValue("s", SecretInput{SecretBinary: []byte{1}, ClientRequestToken: "t3"}, []string{"MINE"})
	must(t, err)
	if value("s", "", "") != "two" || value("s", "", previous) != "one" || value("s", "t1", "") != "one" || value("s", "t2", current) != "two" {
		t.Error("a version is another")
	}
	_, err = s.PutSecretValue("s", SecretInput{SecretString: "four", ClientRequestToken: "t4"}, nil)
	must(t, err)
	got, err := s.DescribeSecret("s")
	must(t, err)
	if diff := cmp.Diff(map[string][]string{"t2": {previous}, "t3": {"MINE"}, "t4": {current}}, got.VersionIDsToStages); diff != "" || got.Description != "d" {
		t.Error(diff)
	}
	_, err = s.GetSecretValue("s", "t1", "")
	wants(t, err, "ResourceNotFoundException", "t1")
	_, err = s.PutSecretValue("s", SecretInput{}, nil)
	wants(t, err, "InvalidParameterException", "SecretString")
	_, err = s.PutSecretValue("s", SecretInput{SecretString: "a", SecretBinary: []byte("b")}, nil)
	wants(t, err, "InvalidParameterException", "more than one")
	_, err = s.PutSecretValue("s", SecretInput{SecretString: strings.Repeat("x", maxSecret+1)}, nil)
	wants(t, err, "InvalidParameterException", "65536")
}

func TestDeletion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := openService(t, dir)
		_, err := s.CreateSecret(SecretInput{Name: "s", SecretString: "x"})
		must(t, err)
		_, err = s.DeleteSecret("s", 6, false)
		wants(t, err, "InvalidParameterException", "7 and 30")
		gone, err := s.DeleteSecret("s", 7, false)
		must(t, err)
		if want := time.Now().AddDate(0, 0, 7).UTC(); !gone.DeletedDate.Equal(want.Truncate(time.Millisecond)) {
			t.Errorf("it goes at %v, want %v", gone.DeletedDate, want)
		}
		_, err = s.GetSecretValue("s", "", "")
		wants(t, err, "InvalidRequestException", "marked for deletion")
		_, err = s.CreateSecret(SecretInput{Name: "s"})
		wants(t, err, "InvalidRequestException", "scheduled for deletion")
		if len(s.ListSecrets()) != 0 {
			t.Error("it is listed")
		}
		_, err = s.RestoreSecret("s")
		must(t, err)
		_, err = s.GetSecretValue("s", "", "")
		must(t, err)
		_, err = s.DeleteSecret("s", 0, false)
		must(t, err)
		time.Sleep(30 * 24 * time.Hour)
		_, err = s.DescribeSecret("s")
		wants(t, err, "ResourceNotFoundException", "can't find")
		_, err = s.CreateSecret(SecretInput{Name: "s", SecretString: "x"})
		must(t, err)
		_, err = s.DeleteSecret("s", 7, true)
		wants(t, err, "InvalidParameterException", "RecoveryWindowInDays")
		_, err = s.DeleteSecret("s", 0, true)
		must(t, err)
		_, err = s.DeleteSecret("s", 0, true)
		must(t, err)
		_, err = s.DeleteSecret("s", 0, false)
		wants(t, err, "ResourceNotFoundException", "can't find")
		if files, _ := os.ReadDir(dir); len(files) != 0 {
			t.Errorf("%d files are left", len(files))
		}
	})
}

func TestTextOfASecret(t *testing.T) {
	t.Parallel()
	s := openService(t, t.TempDir())
	_, err := s.CreateSecret(SecretInput{Name: "text", SecretString: "hunter2"})
	must(t, err)
	_, err = s.PutSecretValue("text", SecretInput{SecretString: "hunter3"}, nil)
	must(t, err)
	_, err = s.CreateSecret(SecretInput{Name: "binary", SecretBinary: []byte("hunter2")})
	must(t, err)
	for stage, want := range map[string]string{"": "hunter3", "AWSCURRENT": "hunter3", "AWSPREVIOUS": "hunter2"} {
		if got, err := s.Text("text", "", stage); err != nil || got != want {
			t.Errorf("%s: %q, %v", stage, got, err)
		}
	}
	for _, name := range []string{"none", "binary"} {
		if _, err := s.Text(name, "", ""); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheWire(t *testing.T) {
	t.Parallel()
	s := openService(t, t.TempDir())
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	f := func(target, body string, wantStatus int, wantText string) {
		t.Helper()
		r, err := http.NewRequest("POST", server.URL, strings.NewReader(body))
		must(t, err)
		r.Header.Set("X-Amz-Target", target)
		res, err := http.DefaultClient.Do(r)
		must(t, err)
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		if res.StatusCode != wantStatus || !strings.Contains(string(text), wantText) {
			t.Errorf("%s %s: %d %s, want %d with %q", target, body, res.StatusCode, text, wantStatus, wantText)
		}
		if wantStatus != 200 && strings.Contains(string(text), "hunter2") {
			t.Errorf("%s: the error tells the secret: %s", target, text)
		}
	}
	f("secretsmanager.CreateSecret", `{"Name":"s","SecretString":"hunter2"}`, 200, `"VersionId"`)
	f("secretsmanager.CreateSecret", `{"Name":"s","SecretString":"hunter2"}`, 400, "ResourceExistsException")
	f("secretsmanager.CreateSecret", `{"Name":"b d","SecretString":"hunter2"}`, 400, "InvalidParameterException")
	f("secretsmanager.CreateSecret", `{"SecretString":"hunter2`, 400, "SerializationException")
	f("secretsmanager.CreateSecret", `{"Name":"x","SecretBinary":"hunter2!"}`, 400, "SerializationException")
	f("secretsmanager.GetSecretValue", `{"SecretId":"s"}`, 200, `"SecretString":"hunter2"`)
	f("secretsmanager.GetSecretValue", `{"SecretId":"none"}`, 400, "ResourceNotFoundException")
	f("secretsmanager.RotateSecret", `{}`, 400, "RotateSecret")
	f("", `{}`, 400, "UnknownOperationException")
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
import boto3
sm = boto3.client("secretsmanager")
made = sm.create_secret(Name="a/b", SecretString="one", Tags=[{"Key": "k", "Value": "v"}])
assert sm.get_secret_value(SecretId=made["ARN"])["SecretString"] == "one"
sm.put_secret_value(SecretId="a/b", SecretString="two")
assert sm.get_secret_value(SecretId="a/b")["SecretString"] == "two"
assert sm.get_secret_value(SecretId="a/b", VersionStage="AWSPREVIOUS")["SecretString"] == "one"
sm.create_secret(Name="bin", SecretBinary=b"\x00\x01")
assert sm.get_secret_value(SecretId="bin")["SecretBinary"] == b"\x00\x01"
d = sm.describe_secret(SecretId="a/b")
assert d["Tags"] == [{"Key": "k", "Value": "v"}] and len(d["VersionIdsToStages"]) == 2 and d["CreatedDate"].year > 2000, d
assert [x["Name"] for x in sm.list_secrets()["SecretList"]] == ["a/b", "bin"]
assert sm.delete_secret(SecretId="a/b", RecoveryWindowInDays=7)["DeletionDate"] > d["CreatedDate"]
sm.restore_secret(SecretId="a/b")
sm.delete_secret(SecretId="a/b", ForceDeleteWithoutRecovery=True)
try:
    sm.get_secret_value(SecretId="a/b")
    assert False
except sm.exceptions.ResourceNotFoundException:
    pass
`)
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+server.URL, "AWS_ACCESS_KEY_ID=id", "AWS_SECRET_ACCESS_KEY=secret", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
