package lambda

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

func TestUnpack(t *testing.T) {
	t.Parallel()
	c := newCodeStore(filepath.Join(t.TempDir(), "code"))
	archive, err := zipOf(map[string]file{
		"bootstrap":   {0o755, []byte("program")},
		"etc/a.txt":   {0o600, []byte("text")},
		"link":        {fs.ModeSymlink | 0o777, []byte("etc/a.txt")},
		"empty/":      {fs.ModeDir | 0o755, nil},
		"./etc/b.txt": {0o666, nil},
	})
	if err != nil {
		t.Fatal(err)
	}
	sha, err := c.put(archive)
	if err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]fs.FileMode{
		".": fs.ModeDir | 0o700, "bootstrap": 0o555, "etc": fs.ModeDir | 0o700, "etc/a.txt": 0o444, "etc/b.txt": 0o444,
		"empty": fs.ModeDir | 0o700, "link": 0o444,
	} {
		info, err := os.Stat(filepath.Join(c.path(sha), name))
		if err != nil || info.Mode() != mode {
			t.Errorf("%s: %v %v, want %v", name, info.Mode(), err, mode)
		}
	}
	if data, err := os.ReadFile(filepath.Join(c.path(sha), "link")); string(data) != "text" {
		t.Errorf("through the link: %q %v", data, err)
	}
	c.release(sha)
	if left, err := os.ReadDir(c.dir); err != nil || len(left) != 0 {
		t.Errorf("left after the release: %v %v", left, err)
	}
}

func TestUnpackRefuses(t *testing.T) {
	t.Parallel()
	c := newCodeStore(filepath.Join(t.TempDir(), "code"))
	f := func(archive []byte, want string) {
		t.Helper()
		_, err := c.put(archive)
		if e, ok := errors.AsType[*awsproto.Error](err); !ok || e.Code != "InvalidParameterValueException" || !strings.Contains(e.Message, want) {
			t.Errorf("got %v, want %q", err, want)
		}
		if left, err := os.ReadDir(c.dir); err == nil && len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
		if entries, err := os.ReadDir(filepath.Dir(c.dir)); err != nil || len(entries) > 1 {
			t.Errorf("something came out of the folder: %v %v", entries, err)
		}
	}
	one := func(name string, mode fs.FileMode, data string) []byte {
		archive, err := zipOf(map[string]file{name: {mode, []byte(data)}})
		if err != nil {
			t.Fatal(err)
		}
		return archive
	}
	f([]byte("not a zip"), "Could not unzip")
	f(nil, "Could not unzip")
	f(one("../evil", 0o644, "x"), "leads out")
	f(one("/evil", 0o644, "x"), "leads out")
	f(one("a/../../evil", 0o644, "x"), "leads out")
	f(one(`..\evil`, 0o644, "x"), "leads out")
	f(one("pipe", fs.ModeNamedPipe|0o644, ""), "neither a file")

	through := func(target, name string) []byte {
		var buf bytes.Buffer
		w := zip.NewWriter(&buf)
		h := &zip.FileHeader{Name: "link"}
		h.SetMode(fs.ModeSymlink | 0o777)
		out, _ := w.CreateHeader(h)
		out.Write([]byte(target))
		out, _ = w.Create(name)
		out.Write([]byte("x"))
		w.Close()
		return buf.Bytes()
	}
	f(through("..", "link/evil"), "Could not unzip")
	f(through("../evil", "link"), "Could not unzip")

	var bomb bytes.Buffer
	w := zip.NewWriter(&bomb)
	out, err := w.Create("bootstrap")
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range maxUnzipped>>20 + 1 {
		if _, err := out.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f(bomb.Bytes(), "Unzipped size must be smaller than 262144000 bytes")
}

func FuzzUnpack(f *testing.F) {
	good, err := zipOf(map[string]file{"bootstrap": {0o755, []byte("program")}, "a/b": {0o644, nil}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	evil, err := zipOf(map[string]file{"../../evil": {0o755, []byte("program")}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(evil)
	c := newCodeStore(filepath.Join(f.TempDir(), "code"))
	f.Fuzz(func(t *testing.T, archive []byte) {
		sha, err := c.put(archive)
		if err == nil {
			c.release(sha)
		}
		if entries, err := os.ReadDir(filepath.Dir(c.dir)); err != nil || len(entries) > 1 {
			t.Errorf("something came out of the folder: %v %v", entries, err)
		}
	})
}

// objects is S3 as a map.
type objects map[string][]byte

func (o objects) GetObject(_ context.Context, bucket, key, version string) ([]byte, error) {
	if data, ok := o[bucket+"/"+key+"/"+version]; ok {
		return data, nil
	}
	return nil, &awsproto.Error{Code: "NoSuchKey", Message: "The specified key does not exist.", Status: 404}
}

func TestCodeFromS3(t *testing.T) {
	t.Parallel()
	s := open(t, Config{Objects: objects{"b/k/": bootstrapZip(t), "b/k/v2": script(t, "exit 9")}})
	create(t, s, hello(t, func(in *FunctionInput) { in.Code = Code{S3Bucket: "b", S3Key: "k"} }))
	call(t, s, `{}`)
	if _, err := s.UpdateFunctionCode(t.Context(), "hello", Code{S3Bucket: "b", S3Key: "k", S3ObjectVersion: "v2"}); err != nil {
		t.Fatal(err)
	}
	out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello"})
	if err != nil || !strings.Contains(string(out.Payload), "exit status 9") {
		t.Errorf("%v %s", err, out.Payload)
	}
	_, err = s.UpdateFunctionCode(t.Context(), "hello", Code{S3Bucket: "b", S3Key: "none"})
	if e := awsproto.From(err); e.Code != "InvalidParameterValueException" || !strings.Contains(e.Message, "S3 Error Code: NoSuchKey") {
		t.Errorf("got %v", err)
	}
}

// TestUnpackedFolderIsDurable: when a folder gets its final name, the names in it are on the disk.
func TestUnpackedFolderIsDurable(t *testing.T) {
	t.Parallel()
	c := newCodeStore(filepath.Join(t.TempDir(), "code"))
	archive, err := zipOf(map[string]file{"bootstrap": {0o755, []byte("program")}, "a/b/c": {0o644, nil}, "empty/": {fs.ModeDir | 0o755, nil}})
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(archive)
	final := c.path(base64.StdEncoding.EncodeToString(sum[:]))
	var synced []string
	c.sync = func(dir string) error {
		_, err := os.Stat(final)
		named := err == nil
		if dir == c.dir {
			synced = append(synced, "all")
		} else {
			path, _ := filepath.Rel(c.dir, dir)
			_, path, _ = strings.Cut(path+"/", "/")
			synced = append(synced, "./"+path)
		}
		if named != (dir == c.dir) {
			t.Errorf("syncing %s: it has its final name: %v", dir, named)
		}
		return nil
	}
	if _, err := c.put(archive); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"./", "./a/", "./a/b/", "./empty/", "all"}, synced); diff != "" {
		t.Errorf("synced -want +got:\n%s", diff)
	}
	c.sync = func(string) error { return errors.New("disk full") }
	other := script(t, "exit 1")
	if _, err := c.put(other); err == nil {
		t.Error("code was taken that was not durable")
	}
	if left, err := os.ReadDir(c.dir); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// TestRequestsDoNotWaitForTheDisk: an environment starts while new code is unpacked.
func TestRequestsDoNotWaitForTheDisk(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t))
	unpacking, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s.code.sync = func(string) error {
		once.Do(func() { close(unpacking); <-goOn })
		return nil
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := s.UpdateFunctionCode(t.Context(), "hello", Code{ZipFile: script(t, "exit 1")}); err != nil {
			t.Error(err)
		}
	})
	<-unpacking
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // for ever
	defer cancel()
	if out, err := s.Invoke(ctx, InvokeInput{Function: "hello"}); err != nil || out.FunctionError != "" {
		t.Errorf("%v %s", err, out.Payload)
	}
	close(goOn)
	wg.Wait()
}
