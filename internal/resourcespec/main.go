// The resourcespec command distils what AWS publishes about CloudFormation's resource types into the one
// file that the laptop carries: of each type that the laptop has, the names of its properties and
// attributes, which properties are required, and which replace the resource when they change.
//
//	go generate ./laptop/cloudformation
//
// runs it after a type was added. It fetches npm's @aws-cdk/aws-service-spec, which AWS builds from its
// public schemas, with npm; -spec takes the package's archive from a file instead. The package is under the
// Apache License 2.0; names and facts are all that is taken from it.
//
// https://github.com/cdklabs/awscdk-service-spec
package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// pinned is the version that is fetched, so that two runs give the same file.
const pinned = "@aws-cdk/aws-service-spec@0.1.216"

func main() {
	spec := flag.String("spec", "", "the package's archive (.tgz); fetched with npm if empty")
	out := flag.String("o", "", "the file to write")
	flag.Parse()
	if err := run(context.Background(), *spec, *out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "resourcespec:", err)
		os.Exit(1)
	}
}

// run writes to out what spec says of the types that the Go files in sources name.
func run(ctx context.Context, spec, out string, sources []string) error {
	types, err := typesIn(sources)
	if err != nil {
		return err
	}
	if spec == "" {
		dir, err := os.MkdirTemp("", "resourcespec")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		if spec, err = fetch(ctx, dir); err != nil {
			return err
		}
	}
	f, err := os.Open(spec)
	if err != nil {
		return err
	}
	defer f.Close()
	version, db, err := unpack(f)
	if err != nil {
		return fmt.Errorf("%s: %w", spec, err)
	}
	text, err := distil(version, db, types)
	if err != nil {
		return err
	}
	return os.WriteFile(out, text, 0o644)
}

// typesIn are the resource types that Go files name as strings, sorted.
func typesIn(files []string) ([]string, error) {
	name := regexp.MustCompile(`"(AWS::\w+::\w+)"`)
	var types []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for _, m := range name.FindAllStringSubmatch(string(text), -1) {
			types = append(types, m[1])
		}
	}
	if len(types) == 0 {
		return nil, fmt.Errorf("%q name no resource types", files)
	}
	slices.Sort(types)
	return slices.Compact(types), nil
}

// fetch has npm put the package's archive into dir.
func fetch(ctx context.Context, dir string) (string, error) {
	c := exec.CommandContext(ctx, "npm", "pack", "--silent", pinned)
	c.Dir, c.Stderr = dir, os.Stderr
	name, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("npm pack %s: %w (install npm, or give the archive with -spec)", pinned, err)
	}
	return filepath.Join(dir, strings.TrimSpace(string(name))), nil
}

// unpack finds the package's version and its database in the archive.
func unpack(r io.Reader) (version string, db *database, err error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return "", nil, err
	}
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", nil, err
		}
		switch h.Name {
		case "package/package.json":
			var about struct{ Version string }
			if err := json.NewDecoder(t).Decode(&about); err != nil {
				return "", nil, fmt.Errorf("%s: %w", h.Name, err)
			}
			version = about.Version
		case "package/db.json.gz":
			text, err := gzip.NewReader(t)
			if err != nil {
				return "", nil, fmt.Errorf("%s: %w", h.Name, err)
			}
			db = &database{}
			if err := json.NewDecoder(text).Decode(db); err != nil {
				return "", nil, fmt.Errorf("%s: %w", h.Name, err)
			}
		}
	}
	if version == "" || db == nil {
		return "", nil, errors.New("it has no package.json or no db.json.gz")
	}
	return version, db, nil
}
