package lambda

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// attach gives cfg the layers with these ARNs: it finds their content, that of those it has already
// even where they are deleted, and holds the folder in which it is merged.
func (s *Service) attach(cfg *Function, arns []string, held *holds) error {
	if len(arns) > maxLayers {
		return awsproto.Errorf("InvalidParameterValueException", "Cannot reference more than %d layers.", maxLayers)
	}
	had := cfg.Layers
	cfg.Layers, cfg.LayersSHA256 = nil, ""
	var names, shas []string
	for _, arn := range arns {
		l, err := s.layerOf(arn, had)
		if err != nil {
			return err
		}
		name := layerName(arn)
		if slices.Contains(names, name) {
			return awsproto.Errorf("InvalidParameterValueException", "Two different versions of the same layer are not allowed to be referenced in the same function: %s", name)
		}
		names, shas = append(names, name), append(shas, l.CodeSHA256)
		cfg.Layers = append(cfg.Layers, l)
	}
	if len(shas) == 0 {
		return nil
	}
	sha, err := s.code.merge(shas)
	if err != nil {
		return err
	}
	held.add(sha)
	cfg.LayersSHA256 = sha
	var size int64
	for _, sha := range []string{cfg.CodeSHA256, cfg.LayersSHA256} {
		n, err := s.code.size(sha)
		if err != nil {
			return err
		}
		size += n
	}
	if size > maxUnzipped {
		return awsproto.Errorf("InvalidParameterValueException",
			"Function code combined with layers exceeds the maximum allowed size of %d bytes. The actual size is %d bytes.", maxUnzipped, size)
	}
	return nil
}

// layerOf is the layer version with that ARN, or what a function has had of it.
func (s *Service) layerOf(arn string, had []FunctionLayer) (FunctionLayer, error) {
	if i := slices.IndexFunc(had, func(l FunctionLayer) bool { return l.ARN == arn }); i >= 0 {
		return had[i], nil
	}
	v, err := s.LayerVersionByARN(arn)
	if err != nil {
		return FunctionLayer{}, awsproto.Errorf("InvalidParameterValueException", "%s", awsproto.From(err).Message)
	}
	return FunctionLayer{ARN: v.ARN, CodeSHA256: v.CodeSHA256, CodeSize: v.CodeSize}, nil
}

// merge holds a folder with the content of several others, of which the last one's file counts
// where several have one of a name. That of a single one is that one.
//
// Files are hard links: nobody writes to them.
func (c *codeStore) merge(shas []string) (string, error) {
	if len(shas) == 1 {
		return shas[0], c.acquire(shas[0])
	}
	sum := sha256.Sum256([]byte("layers\n" + strings.Join(shas, "\n")))
	sha := base64.StdEncoding.EncodeToString(sum[:])
	c.disk.Lock()
	defer c.disk.Unlock()
	if c.check(sha) != nil {
		err := c.build(c.path(sha), func(tmp string) error {
			for _, one := range shas {
				if err := overlay(c.path(one), tmp); err != nil {
					return fmt.Errorf("merging layers: %w", err)
				}
			}
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	c.retain(sha)
	return sha, nil
}

// overlay links everything below from into to, in the place of what is there.
func overlay(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil || name == "." {
			return err
		}
		at := filepath.Join(to, name)
		there, err := os.Lstat(at)
		if err == nil && !(d.IsDir() && there.IsDir()) {
			err = os.RemoveAll(at)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		switch {
		case d.IsDir():
			return os.MkdirAll(at, 0o700)
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(target, at)
		}
		return os.Link(path, at)
	})
}

// size is how many bytes the files of a folder have.
func (c *codeStore) size(sha string) (size int64, err error) {
	err = filepath.WalkDir(c.path(sha), func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("measuring code: %w", err)
	}
	return size, nil
}
