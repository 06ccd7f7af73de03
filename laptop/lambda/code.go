package lambda

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

const maxFiles = 100_000 // in one archive; Lambda names no limit

// codeStore keeps unpacked archives, each in a folder that is named by its hash and is never
// written to again. A folder is held by the functions and environments that use it and
// removed when nothing does.
type codeStore struct {
	dir string

	mu     sync.Mutex
	refs   map[string]int // by base64 hash
	closed bool           // what is held now stays
}

// path is the folder of the code with that base64 hash.
func (c *codeStore) path(sha string) string {
	raw, err := base64.StdEncoding.DecodeString(sha)
	if err != nil {
		return filepath.Join(c.dir, "invalid")
	}
	return filepath.Join(c.dir, hex.EncodeToString(raw))
}

// put unpacks archive unless that has been done, and holds it.
func (c *codeStore) put(archive []byte) (sha string, err error) {
	sum := sha256.Sum256(archive)
	sha = base64.StdEncoding.EncodeToString(sum[:])
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := os.Stat(c.path(sha)); errors.Is(err, fs.ErrNotExist) {
		if err := c.unpack(archive, c.path(sha)); err != nil {
			return "", err
		}
	}
	c.refs[sha]++
	return sha, nil
}

// acquire holds code that must be there.
func (c *codeStore) acquire(sha string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := os.Stat(c.path(sha)); err != nil {
		return fmt.Errorf("its code is missing: %w", err)
	}
	c.refs[sha]++
	return nil
}

// retain holds code that is held already.
func (c *codeStore) retain(sha string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refs[sha]++
}

func (c *codeStore) release(sha string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refs[sha]--; c.refs[sha] == 0 && !c.closed {
		delete(c.refs, sha)
		// What cannot be removed now is swept when the store is opened again.
		_ = os.RemoveAll(c.path(sha))
	}
}

func (c *codeStore) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
}

// sweep removes the folders that nothing holds.
func (c *codeStore) sweep() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	entries, err := os.ReadDir(c.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	held := map[string]bool{}
	for sha := range c.refs {
		held[filepath.Base(c.path(sha))] = true
	}
	for _, e := range entries {
		if !held[e.Name()] {
			if err := os.RemoveAll(filepath.Join(c.dir, e.Name())); err != nil {
				return fmt.Errorf("removing unused code: %w", err)
			}
		}
	}
	return nil
}

// unpack makes dir hold what is in archive, or leaves nothing. The files cannot be written to; the
// folders can, or nobody but this program could remove them.
func (c *codeStore) unpack(archive []byte, dir string) error {
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return awsproto.Errorf("InvalidParameterValueException",
			"Could not unzip uploaded file. Please check your file, then try to upload again. (%v)", err)
	}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return fmt.Errorf("unpacking code: %w", err)
	}
	tmp, err := os.MkdirTemp(c.dir, ".unpacking-*")
	if err != nil {
		return fmt.Errorf("unpacking code: %w", err)
	}
	err = extract(r, tmp)
	if err == nil {
		err = os.Rename(tmp, dir)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(tmp))
	}
	return syncFolder(c.dir)
}

// extract writes the files of r below dir. Every path goes through an os.Root, so that neither a
// name nor a symbolic link in the archive leads out of dir.
func extract(r *zip.Reader, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("unpacking code: %w", err)
	}
	defer root.Close()
	if len(r.File) > maxFiles {
		return awsproto.Errorf("InvalidParameterValueException", "the archive holds %d files; %d is the limit", len(r.File), maxFiles)
	}
	left := int64(maxUnzipped)
	for _, f := range r.File {
		n, err := extractFile(root, f, left)
		if err != nil {
			if _, ok := errors.AsType[*awsproto.Error](err); ok {
				return err
			}
			return awsproto.Errorf("InvalidParameterValueException",
				"Could not unzip uploaded file. Please check your file, then try to upload again. (%s: %v)", f.Name, err)
		}
		left -= n
	}
	return nil
}

func extractFile(root *os.Root, f *zip.File, left int64) (int64, error) {
	name := path.Clean(f.Name)
	if strings.Contains(f.Name, `\`) || !filepath.IsLocal(name) {
		return 0, errors.New("the name leads out of the archive")
	}
	if f.FileInfo().IsDir() {
		return 0, root.MkdirAll(name, 0o700)
	}
	if err := root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return 0, err
	}
	in, err := f.Open()
	if err != nil {
		return 0, err
	}
	defer in.Close()
	switch mode := f.Mode(); {
	case mode&fs.ModeSymlink != 0:
		target, err := io.ReadAll(io.LimitReader(in, 4096))
		if err != nil {
			return 0, err
		}
		return int64(len(target)), root.Symlink(string(target), name)
	case !mode.IsRegular():
		return 0, errors.New("neither a file, a folder nor a symbolic link")
	default:
		return copyFile(root, name, in, left, mode.Perm()&0o555|0o444)
	}
}

func copyFile(root *os.Root, name string, in io.Reader, left int64, perm fs.FileMode) (int64, error) {
	out, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(out, io.LimitReader(in, left+1))
	if err == nil && n > left {
		err = awsproto.Errorf("InvalidParameterValueException", "Unzipped size must be smaller than %d bytes", maxUnzipped)
	}
	if err == nil {
		err = out.Chmod(perm)
	}
	if err == nil {
		err = out.Sync()
	}
	return n, errors.Join(err, out.Close())
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
