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
	"syscall"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/state"
)

const maxFiles = 100_000 // in one archive; Lambda names no limit

// codeStore keeps unpacked archives, each in a folder that is named by its hash and is never
// written to again. A folder is held by the functions and environments that use it and
// removed when nothing does.
//
// A folder under its final name is complete, even after a loss of power: it comes and goes by
// being renamed, is synced before it comes, and loses nothing before it has gone.
//
// Requests wait for mu, which is therefore never held while the disk works. disk may be held when
// mu is asked for, not the other way round.
type codeStore struct {
	dir  string
	sync func(dir string) error // makes a folder's names durable

	disk sync.Mutex // held while a folder comes or goes

	mu     sync.Mutex
	refs   map[string]int // by base64 hash
	closed bool           // what is held now stays
}

func newCodeStore(dir string) *codeStore {
	return &codeStore{dir: dir, sync: state.SyncDir, refs: map[string]int{}}
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
	c.disk.Lock()
	defer c.disk.Unlock()
	if c.check(sha) != nil {
		if err := c.unpack(archive, c.path(sha)); err != nil {
			return "", err
		}
	}
	c.retain(sha)
	return sha, nil
}

// acquire holds code that must be there.
func (c *codeStore) acquire(sha string) error {
	c.disk.Lock()
	defer c.disk.Unlock()
	if err := c.check(sha); err != nil {
		return err
	}
	c.retain(sha)
	return nil
}

// check says why the code is not there. The caller holds c.disk.
func (c *codeStore) check(sha string) error {
	info, err := os.Stat(c.path(sha))
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "stat", Path: c.path(sha), Err: syscall.ENOTDIR}
	}
	return err
}

// retain holds code that is held already.
func (c *codeStore) retain(sha string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refs[sha]++
}

// has says that the code of a version is there.
func (c *codeStore) has(f Function) bool {
	c.disk.Lock()
	defer c.disk.Unlock()
	for _, sha := range f.contents() {
		if c.check(sha) != nil {
			return false
		}
	}
	return true
}

// hold is retain for all that a version is made of, and let is release for it.
func (c *codeStore) hold(f Function) {
	for _, sha := range f.contents() {
		c.retain(sha)
	}
}

func (c *codeStore) let(f Function) {
	for _, sha := range f.contents() {
		c.release(sha)
	}
}

// contents are the hashes of a version's folders in the code store: its code, its layers, and what
// they are merged into.
func (f Function) contents() []string {
	shas := []string{f.CodeSHA256}
	for _, l := range f.Layers {
		shas = append(shas, l.CodeSHA256)
	}
	if len(f.Layers) > 1 {
		shas = append(shas, f.LayersSHA256)
	}
	return shas
}

// holds are holds of one change, given up together when it is done.
type holds struct {
	store *codeStore
	shas  []string
}

func (h *holds) add(sha string) { h.shas = append(h.shas, sha) }

func (h *holds) release() {
	for _, sha := range h.shas {
		h.store.release(sha)
	}
}

// release gives up one hold, and removes the code that nothing holds any more.
func (c *codeStore) release(sha string) {
	c.mu.Lock()
	c.refs[sha]--
	unused := c.refs[sha] == 0 && !c.closed
	c.mu.Unlock()
	if !unused {
		return
	}
	c.disk.Lock()
	defer c.disk.Unlock()
	c.mu.Lock()
	unused = c.refs[sha] == 0 // put may have held it again
	if unused {
		delete(c.refs, sha)
	}
	c.mu.Unlock()
	if unused {
		// What cannot be removed now is swept when the store is opened again.
		_ = c.remove(c.path(sha))
	}
}

// remove takes a folder's name away and then the folder. The caller holds c.disk.
func (c *codeStore) remove(path string) error {
	dying, err := os.MkdirTemp(c.dir, ".removing-*")
	if err != nil {
		return err
	}
	return errors.Join(os.Rename(path, filepath.Join(dying, "code")), os.RemoveAll(dying))
}

func (c *codeStore) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
}

// sweep removes the folders that nothing holds.
func (c *codeStore) sweep() error {
	c.disk.Lock()
	defer c.disk.Unlock()
	entries, err := os.ReadDir(c.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	held := map[string]bool{}
	c.mu.Lock()
	for sha := range c.refs {
		held[filepath.Base(c.path(sha))] = true
	}
	c.mu.Unlock()
	for _, e := range entries {
		if !held[e.Name()] {
			if err := c.remove(filepath.Join(c.dir, e.Name())); err != nil {
				return fmt.Errorf("removing unused code: %w", err)
			}
		}
	}
	return nil
}

// unpack makes dir hold what is in archive, durably, or leaves nothing. The caller holds c.disk. The files cannot be written to; the
// folders can, or nobody but this program could remove them.
func (c *codeStore) unpack(archive []byte, dir string) error {
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return awsproto.Errorf("InvalidParameterValueException",
			"Could not unzip uploaded file. Please check your file, then try to upload again. (%v)", err)
	}
	return c.build(dir, func(tmp string) error { return extract(r, tmp) })
}

// build makes dir hold what fill puts into an empty folder, durably, or leaves nothing. The caller
// holds c.disk.
func (c *codeStore) build(dir string, fill func(tmp string) error) error {
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return fmt.Errorf("unpacking code: %w", err)
	}
	tmp, err := os.MkdirTemp(c.dir, ".unpacking-*")
	if err != nil {
		return fmt.Errorf("unpacking code: %w", err)
	}
	err = fill(tmp)
	if err == nil {
		err = c.syncTree(tmp)
	}
	if err == nil {
		err = os.RemoveAll(dir) // what stands there, if anything, is no folder
	}
	if err == nil {
		err = os.Rename(tmp, dir)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(tmp))
	}
	return c.sync(c.dir)
}

// syncTree makes the names in a folder durable and those in all below it. Whoever wrote the files
// has synced what they hold.
func (c *codeStore) syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return c.sync(path)
	})
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
