package monitor

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestScriptPassesShellcheck(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("shellcheck")
	if err != nil {
		t.Skip("shellcheck is not installed: apt-get install shellcheck")
	}
	whole, err := userData("HostReadyHandle")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, text, exclude string }{
		{"the script", Script(), ""},
		// What the start sets, the rest of the script uses.
		{"the start", startScript(), "--exclude=SC2034"},
		// What the user data set, the script uses; what looks like a variable, CloudFormation puts in.
		{"the user data", whole, "--exclude=SC2034,SC2016"},
	} {
		path := filepath.Join(t.TempDir(), "script.sh")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(program, append(strings.Fields(c.exclude), "--severity=style", path)...).CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", c.name, err, out)
		}
	}
}

// TestScriptIsPackedWhole: line by line what it was, but for comments.
func TestScriptIsPackedWhole(t *testing.T) {
	t.Parallel()
	text, err := packed(Script())
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	before, after := strings.Split(Script(), "\n"), strings.Split(string(got), "\n")
	if len(before) != len(after) {
		t.Fatalf("%d lines came out of %d", len(after), len(before))
	}
	comments := 0
	for i := range before {
		switch {
		case before[i] == after[i]:
		case after[i] == "" && strings.HasPrefix(strings.TrimSpace(before[i]), "# "):
			comments++
		default:
			t.Errorf("line %d is %q, and was %q", i+1, after[i], before[i])
		}
	}
	if comments < 50 {
		t.Errorf("only %d comments were left out", comments)
	}
}

// TestUserDataFit, with a reserve for what CloudFormation puts in.
func TestUserDataFit(t *testing.T) {
	t.Parallel()
	whole, err := userData("HostReadyHandle01234567")
	if err != nil {
		t.Fatal(err)
	}
	if len(whole) > MaxUserData-maxResolved {
		t.Errorf("the user data have %d bytes and grow; EC2 takes %d", len(whole), MaxUserData)
	}
	t.Logf("%d of %d bytes", len(whole), MaxUserData)
}

// TestScriptTellsNoSecret: a password is only ever printed into another command's standard input,
// by the shell itself, or into a file that others cannot read; and nothing traces what is run.
func TestScriptTellsNoSecret(t *testing.T) {
	t.Parallel()
	script := Script()
	for i, line := range strings.Split(script, "\n") {
		for _, no := range []string{"set -x", "set -o xtrace", "bash -x", "--user ", "--user=", "curl -u"} {
			if strings.Contains(line, no) {
				t.Errorf("line %d has %q: %s", i+1, no, line)
			}
		}
		for _, secret := range []string{`$word`, `"$writer"`, `"$reader"`, `$credentials`, `$token`} {
			if !strings.Contains(line, secret) {
				continue
			}
			text := strings.TrimSpace(line)
			ok := strings.HasPrefix(text, "printf ") || text == "case $word in" || // the shell's own
				strings.HasPrefix(text, "if ! told ") || text == "writer=$word" || text == "reader=$word" || strings.HasPrefix(text, "[ \"$(status ") || strings.HasPrefix(text, "code=$(status ") // functions of ours
			if !ok {
				t.Errorf("line %d hands %s to a command: %s", i+1, secret, line)
			}
		}
	}
	if !strings.Contains(script, "\numask 077\n") {
		t.Error("files are made for everybody's eyes")
	}
}
