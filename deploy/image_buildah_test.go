package deploy_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/deploy"
)

// buildah makes the real one work in a folder of the test's own, as root without any privilege more, and trust
// the registry.
func buildah(t *testing.T, registry *x509.Certificate) {
	t.Helper()
	if _, err := exec.LookPath("buildah"); err != nil {
		t.Skip("buildah is not installed: apt-get install buildah")
	}
	if os.Geteuid() != 0 {
		t.Skip("buildah works for root without further ado; for others it takes a machine that is set up for it")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"storage.conf": fmt.Sprintf("[storage]\ndriver = \"vfs\"\nrunroot = %q\ngraphroot = %q\n", filepath.Join(dir, "run"), filepath.Join(dir, "graph")),
		"registry.pem": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: registry.Raw})),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("CONTAINERS_STORAGE_CONF", filepath.Join(dir, "storage.conf"))
	t.Setenv("SSL_CERT_FILE", filepath.Join(dir, "registry.pem"))
	t.Setenv("BUILDAH_ISOLATION", "chroot")
}

// By Debian's buildah, into a registry of the test's own: the image is a single one, for the platform that was
// asked for, with the executable, what is archived beside it and the Dockerfile's own files; and its entry point
// with the command that the template gives runs the function.
func TestImageByBuildah(t *testing.T) {
	r := &registry{blobs: map[string][]byte{}, manifests: map[string][]byte{}}
	api, images := httptest.NewServer(r), httptest.NewTLSServer(r)
	t.Cleanup(api.Close)
	t.Cleanup(images.Close)
	r.host = strings.TrimPrefix(images.URL, "https://")
	buildah(t, images.Certificate())

	var pushed deploy.ImagePushed
	d := deploy.New(deploy.Config{App: lifeApp, AWS: stubConfig(api.URL), Events: func(e deploy.Event) {
		if e, ok := e.(deploy.ImagePushed); ok {
			pushed = e
		}
	}})
	w := imageWorkflow(t, deploy.WorkflowConfig{}, ephor.Hooks{})
	w.WorkflowConfig.Build.GOARCH = runtime.GOARCH
	if err := w.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	dockerfile := filepath.Join(folder(t, map[string]string{"Dockerfile": lifeDockerfile, "etc/motd": "hello"}), "Dockerfile")
	push := func(beside string) string {
		t.Helper()
		i, err := deploy.NewImage(lifeApp, deploy.ImageConfig{Dockerfile: dockerfile, Engine: "buildah"}, w.WorkflowConfig.Build.Output, runtime.GOARCH,
			ephor.Archive{Files: map[string][]byte{"beside": []byte(beside)}})
		if err != nil {
			t.Fatal(err)
		}
		uri, err := d.Push(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		return uri
	}
	uri := push("archived")
	if pushed.Cached {
		t.Errorf("%+v", pushed)
	}
	if again := push("archived"); again != uri || !pushed.Cached {
		t.Errorf("%s, then %s: %+v", uri, again, pushed)
	}

	_, digest, _ := strings.Cut(uri, "@")
	var manifest struct {
		MediaType string
		Config    struct{ Digest string }
		Layers    []struct{ Digest string }
	}
	r.read(t, r.manifest(digest), &manifest)
	var config struct {
		Architecture, OS string
		Config           struct{ Entrypoint, Cmd []string }
	}
	r.read(t, r.layer(manifest.Config.Digest), &config)
	if manifest.MediaType != singleManifest || config.OS != "linux" || config.Architecture != runtime.GOARCH || !cmp.Equal(config.Config.Entrypoint, []string{"/task/bootstrap"}) {
		t.Errorf("the image is %+v, %+v", manifest, config)
	}
	root := t.TempDir()
	for _, l := range manifest.Layers {
		unpack(t, r.layer(l.Digest), root)
	}
	for name, want := range map[string]string{"task/beside": "archived", "etc/motd": "hello"} {
		if got, err := os.ReadFile(filepath.Join(root, name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if got := runImage(t, filepath.Join(root, config.Config.Entrypoint[0]), "Job"); got != `"unknown"` {
		t.Errorf("the function answers %s", got)
	}
}

// unpack writes the files of a layer below root.
func unpack(t *testing.T, layer []byte, root string) {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(layer))
	if err != nil {
		t.Fatal(err)
	}
	for files := tar.NewReader(z); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		text, err := io.ReadAll(files)
		path := filepath.Join(root, h.Name)
		err = errors.Join(err, os.MkdirAll(filepath.Dir(path), 0o755))
		if err := errors.Join(err, os.WriteFile(path, text, fs.FileMode(h.Mode))); err != nil {
			t.Fatal(err)
		}
	}
}

// runImage runs an entry point with a command for one invocation, in front of Lambda's runtime API.
func runImage(t *testing.T, entryPoint, command string) (answer string) {
	t.Helper()
	answered := make(chan string, 1)
	events := make(chan struct{}, 1)
	events <- struct{}{}
	lambda := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/invocation/next"):
			select {
			case <-events:
				w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
				w.Header().Set("Lambda-Runtime-Deadline-Ms", "99999999999999")
				fmt.Fprint(w, "{}")
			case <-r.Context().Done():
			}
		case strings.HasSuffix(r.URL.Path, "/response"):
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			w.WriteHeader(http.StatusAccepted)
			answered <- string(body)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(lambda.Close)
	var said bytes.Buffer
	cmd := exec.CommandContext(t.Context(), entryPoint, command)
	cmd.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(lambda.URL, "http://")}
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case answer = <-answered:
	case err := <-ended:
		t.Fatalf("it ended: %v\n%s", err, &said)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	<-ended
	return answer
}

func (*registry) read(t *testing.T, text []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
}
