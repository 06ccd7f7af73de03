package lambda

import (
	"os"
	"strings"
	"testing"
)

// layered is a service whose environments have their layers at /opt, or the test is skipped.
func layered(t *testing.T, cfg Config) *Service {
	t.Helper()
	if _, err := os.Stat("/opt"); err != nil || strings.HasPrefix(cfg.Dir, "/opt") {
		t.Skip("there is no folder /opt to put layers over: mkdir /opt, or run the tests elsewhere than in it")
	}
	s := isolated(t, "a mount namespace", hasTmp, cfg)
	if !s.spawner.isolation().Opt {
		t.Fatal("a mount namespace has no layers at /opt, which is there")
	}
	return s
}

// TestLayersAreAtOpt: as on Lambda, where a layer's program is at /opt/bin and cannot be written to.
func TestLayersAreAtOpt(t *testing.T) {
	t.Parallel()
	below, err := os.MkdirTemp("/tmp", "ephor-lambda-test-*") // where the environments have a /tmp of their own
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(below) })
	for _, dir := range []string{below, t.TempDir()} {
		s := layered(t, Config{Dir: dir})
		before, err := os.ReadDir("/opt")
		if err != nil {
			t.Fatal(err)
		}
		one := publishLayer(t, s, "one", map[string]string{"bin/greet": "#!/bin/sh\necho one\n", "first": ""})
		two := publishLayer(t, s, "two", map[string]string{"bin/greet": "#!/bin/sh\necho $0\n", "lib/x": ""})
		create(t, s, hello(t, func(in *FunctionInput) { in.Layers = []string{one.ARN, two.ARN} }))
		create(t, s, hello(t, func(in *FunctionInput) { in.Name = "without" }))
		if got := shell(t, s, "greet; ls /opt; echo $PATH $LD_LIBRARY_PATH"); got !=
			"/opt/bin/greet\nbin\nfirst\nlib\n/usr/local/bin:/usr/bin/:/bin:/opt/bin /lib64:/usr/lib64:/var/runtime:/var/runtime/lib:"+taskRoot(t, s)+":"+taskRoot(t, s)+"/lib:/opt/lib" {
			t.Errorf("with layers: %s", got)
		}
		if got := shell(t, s, "echo x > /opt/file; rm /opt/bin/greet"); strings.Count(got, "Read-only file system") != 2 {
			t.Errorf("writing to the layers: %s", got)
		}
		out, err := s.Invoke(t.Context(), InvokeInput{Function: "without", Payload: []byte(`{"do":"sh","text":"ls /opt/bin/greet"}`)})
		if err != nil || !strings.Contains(string(out.Payload), "No such file") {
			t.Errorf("without layers: %s %v", out.Payload, err)
		}
		after, err := os.ReadDir("/opt")
		if err != nil || len(after) != len(before) {
			t.Errorf("the machine's own /opt: %v, %v before (%v)", after, before, err)
		}
	}
}

// taskRoot is where hello finds its code.
func taskRoot(t *testing.T, s *Service) string {
	t.Helper()
	f, err := s.Function("hello")
	if err != nil {
		t.Fatal(err)
	}
	return s.code.path(f.CodeSHA256)
}

// TestExtensionsAreAtOpt: an extension is called by the path that it has on Lambda.
func TestExtensionsAreAtOpt(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	s := layered(t, Config{Dir: t.TempDir(), Events: r.add})
	layer := publishLayer(t, s, "agent", map[string]string{"extensions/agent": "#!/bin/sh\necho I am $0\nexit 3\n"})
	create(t, s, hello(t, func(in *FunctionInput) { in.Layers = []string{layer.ARN} }))
	if _, err := s.Invoke(t.Context(), InvokeInput{Function: "hello"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the extension's line", func() bool { return strings.Contains(join(r.lines()), "I am /opt/extensions/agent") })
}

// TestLayersElsewhere: without a namespace the variables name the layers' own folder.
func TestLayersElsewhere(t *testing.T) {
	t.Parallel()
	s := open(t, Config{bare: true})
	layer := publishLayer(t, s, "one", map[string]string{"bin/greet": "#!/bin/sh\necho $0\n"})
	create(t, s, hello(t, func(in *FunctionInput) { in.Layers = []string{layer.ARN} }))
	if got, want := shell(t, s, "greet"), optOf(t, s, "hello")+"/bin/greet"; got != want {
		t.Errorf("%s ran, not %s", got, want)
	}
}

func TestHides(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"/opt/ours/code", "/optional"} {
		if err := os.MkdirAll(dir+name, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(dir+"/opt/ours", dir+"/link"); err != nil {
		t.Fatal(err)
	}
	for other, want := range map[string]bool{"/opt/ours/code": true, "/opt": true, "/link/code": true, "/missing": true, "/optional": false, "": false} {
		if got := hides(dir+"/opt", dir+other); got != want {
			t.Errorf("%q: %t", other, got)
		}
	}
	if !hides(dir+"/missing", dir) {
		t.Error("a folder that is not there can be covered")
	}
}
