package lambda

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// killedDir tells the test binary that it is the service that will be killed, and over which state.
const killedDir = "EPHOR_LAMBDA_KILLED_DIR"

// TestToBeKilled changes a service and says of each change when it is acknowledged, until it dies.
func TestToBeKilled(t *testing.T) {
	dir := os.Getenv(killedDir)
	if dir == "" {
		t.Skip("this is the other process of TestAKillLosesNothingAcknowledged")
	}
	s, err := Open(Config{Dir: filepath.Join(dir, "state")})
	if err != nil {
		t.Fatal(err)
	}
	say := func(what string, err error) {
		if err != nil {
			t.Fatal(what, err)
		}
		fmt.Println("acknowledged", what)
	}
	ctx := t.Context()
	_, err = s.CreateFunction(ctx, hello(t, func(in *FunctionInput) {
		in.Name, in.Environment = "sink", map[string]string{"SINK": filepath.Join(dir, "sink")}
	}))
	say("function sink", err)
	for n := 0; ; n++ {
		name := fmt.Sprint("f", n)
		layer, err := s.PublishLayerVersion(ctx, LayerInput{Name: name, Content: Code{ZipFile: layerZip(t, map[string]string{"n": name})}})
		say("layer "+name, err)
		_, err = s.CreateFunction(ctx, hello(t, func(in *FunctionInput) {
			in.Name, in.Code.ZipFile, in.Layers = name, script(t, "exit "+fmt.Sprint(n%250)), []string{layer.ARN}
		}))
		say("function "+name, err)
		_, err = s.PublishVersion(ctx, name, PublishInput{})
		say("version "+name, err)
		_, err = s.CreateAlias(ctx, name, AliasInput{Name: "live", Version: "1"})
		say("alias "+name, err)
		_, err = s.CreateFunctionURL(ctx, name+":live", FunctionURLInput{AuthType: "NONE"})
		say("url "+name, err)
		_, err = s.InvokeAsync(ctx, InvokeInput{Function: "sink", Payload: []byte(`"` + name + `"`)})
		say("event "+name, err)
		if n%3 == 2 {
			say("deleting "+name, nil)
			say("deleted "+name, s.DeleteFunction(ctx, name))
		}
	}
}

// TestAKillLosesNothingAcknowledged: whenever it comes.
func TestAKillLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	bootstrapZip(t)
	for _, after := range []int{1, 3, 5, 7, 23, 50} { // changes
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Mkdir(filepath.Join(dir, "sink"), 0o700); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(os.Args[0], "-test.run", "^TestToBeKilled$", "-test.v")
			cmd.Env = append(os.Environ(), killedDir+"="+dir)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			there := map[string]bool{}
			lines := bufio.NewScanner(out)
			for n := 0; lines.Scan(); {
				what, ok := strings.CutPrefix(lines.Text(), "acknowledged ")
				if !ok {
					continue
				}
				there[what] = true
				if n++; n == after {
					if err := cmd.Process.Kill(); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := cmd.Wait(); err == nil || len(there) < after {
				t.Fatalf("it ended by itself (%v), with %d changes", err, len(there))
			}
			s := open(t, Config{Dir: filepath.Join(dir, "state")})
			for what := range there {
				kind, name, _ := strings.Cut(what, " ")
				if there["deleting "+name] && kind != "layer" && kind != "event" {
					continue // it may be gone, or not
				}
				var err error
				switch kind {
				case "function":
					_, err = s.Function(name)
				case "layer":
					_, err = s.LayerVersion(name, 1)
				case "version":
					_, err = s.Function(name + ":1")
				case "alias":
					_, err = s.Alias(name, "live")
				case "url":
					_, err = s.FunctionURL(name + ":live")
				case "event":
					eventually(t, what, func() bool { return arrived(t, filepath.Join(dir, "sink"), `"`+name+`"`) })
				}
				if err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
			for what := range there {
				if name, ok := strings.CutPrefix(what, "deleted "); ok {
					if _, err := s.Function(name); err == nil {
						t.Errorf("%s is back", name)
					}
				}
			}
		})
	}
}

// arrived says that one of the files in dir holds text.
func arrived(t *testing.T, dir, text string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if data, err := os.ReadFile(f); err == nil && string(data) == text {
			return true
		}
	}
	time.Sleep(time.Millisecond)
	return false
}
