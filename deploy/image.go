package deploy

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ephor-io/ephor"
)

// ImageConfig says what the functions' image is built from, and with what.
type ImageConfig struct {
	// Dockerfile is the file's path. Its folder is the build's context, whole.
	Dockerfile string
	// Engine is docker, podman or buildah; "" is the first of them that answers.
	Engine string
}

// check looks whether the Dockerfile is there, before anything is built. A nil config is fine.
func (c *ImageConfig) check() error {
	if c == nil {
		return nil
	}
	is, err := os.Stat(c.Dockerfile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("image: there is no Dockerfile at %s", c.Dockerfile)
	case err != nil:
		return fmt.Errorf("image: looking for the Dockerfile: %w", err)
	case !is.Mode().IsRegular():
		return fmt.Errorf("image: the Dockerfile %s is no file", c.Dockerfile)
	}
	return nil
}

// Image is what an image is built from, by a tag that comes from its content: so that one that is in the registry
// already is neither built nor pushed again.
type Image struct {
	App string
	Tag string
	// GOARCH is what the executable was built for.
	GOARCH string

	config ImageConfig
	files  map[string]source // by their paths with slashes
}

// source is where a file of the build's context comes from.
type source struct {
	path       string // "" for one that a hook has added
	content    []byte
	executable bool
}

func (s source) open() (io.ReadCloser, error) {
	if s.path == "" {
		return io.NopCloser(bytes.NewReader(s.content)), nil
	}
	return os.Open(s.path)
}

// NewImage lays out the context of an image: what is in the Dockerfile's folder, what is archived beside the
// executable, and the executable, as bootstrap.
func NewImage(app string, c ImageConfig, executable, goarch string, beside ephor.Archive) (*Image, error) {
	i := &Image{App: app, GOARCH: goarch, config: c, files: map[string]source{}}
	folder := filepath.Dir(c.Dockerfile)
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		switch info, err := e.Info(); {
		case err != nil:
			return err
		case !info.Mode().IsRegular():
			return fmt.Errorf("%s is neither a file nor a folder, and an image is built from those alone", name)
		case filepath.Ext(name) == ".go" || filepath.Base(name) == "go.mod":
			return fmt.Errorf("%s is Go source, and all of the Dockerfile's folder is given to the build: give it a folder of its own, as in image/Dockerfile", name)
		case name == bootstrap:
			return errors.New("bootstrap is the executable's name, and a file has it")
		default:
			i.files[name] = source{path: path, executable: info.Mode()&0o111 != 0}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("image: reading %s: %w", folder, err)
	}
	for name, content := range beside.Files {
		if err := checkName(name); err != nil {
			return nil, err
		}
		if _, taken := i.files[name]; taken {
			return nil, fmt.Errorf("archiving %s: the Dockerfile's folder has a file of that name", name)
		}
		i.files[name] = source{content: content}
	}
	i.files[bootstrap] = source{path: executable, executable: true}
	if i.Tag, err = i.tag(); err != nil {
		return nil, fmt.Errorf("image: %w", err)
	}
	return i, nil
}

// imageVersion goes into an image's tag: it changes when the same files would be built otherwise.
const imageVersion = "1"

// tag is a hash of all that the image is built from.
func (i *Image) tag() (string, error) {
	all := sha256.New()
	fmt.Fprintf(all, "%s %s %q\n", imageVersion, i.GOARCH, filepath.Base(i.config.Dockerfile))
	for _, name := range slices.Sorted(maps.Keys(i.files)) {
		one := sha256.New()
		if err := copySource(one, i.files[name]); err != nil {
			return "", err
		}
		fmt.Fprintf(all, "%q %v %x\n", name, i.files[name].executable, one.Sum(nil))
	}
	return imageVersion + "-" + hex.EncodeToString(all.Sum(nil)), nil
}

func copySource(w io.Writer, s source) error {
	r, err := s.open()
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(w, r)
	return err
}

// layOut writes the context into a folder that is empty. Lambda's user must be able to read what it holds.
//
// https://docs.aws.amazon.com/lambda/latest/dg/images-create.html#images-reqs
func (i *Image) layOut(dir string) error {
	for name, s := range i.files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if parent := path.Dir(name); parent != "." {
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				return err
			}
		}
		mode := fs.FileMode(0o644)
		if s.executable {
			mode = 0o755
		}
		w, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if err != nil {
			return err
		}
		if err := errors.Join(w.Chmod(mode), copySource(w, s), w.Close()); err != nil {
			return err
		}
	}
	return nil
}

// platform is what the image is for, as Docker calls it.
func (i *Image) platform() string { return "linux/" + i.GOARCH }

// repositoryName is where an application's images are: small letters, digits and single hyphens. A hash keeps
// apart the names that would come to the same.
//
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html
func repositoryName(app string) string {
	parts := strings.FieldsFunc(strings.ToLower(app), func(r rune) bool { return r == '-' })
	name := strings.Join(parts, "-")
	if name != app {
		name = fmt.Sprintf("%s-%x", name, sha256.Sum256([]byte(app)))[:len(name)+9]
	}
	return "ephor/" + name
}
