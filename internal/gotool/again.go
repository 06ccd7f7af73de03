package gotool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
)

// ErrFromFiles is returned where a program's package must be known and it was built from files, as by
// `go run main.go`.
var ErrFromFiles = errors.New("this program was built from files, not from a package")

// Self is the import path of the package that this program was built from, or ErrFromFiles.
func Self() (string, error) {
	info, err := own()
	if err != nil {
		return "", err
	}
	return info.Path, nil
}

func own() (*debug.BuildInfo, error) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil, errors.New("this program was built without module support: build it with go build inside a module")
	}
	if info.Path == "" || info.Path == fromFiles {
		return nil, ErrFromFiles
	}
	return info, nil
}

// kept are the flags of this program's own build that its next one is given too. What GOFLAGS says holds
// for both anyway.
var kept = []string{"-race", "-msan", "-asan", "-ldflags", "-gcflags"}

// Again builds the package that this program was built from once more, with one tag more, unless it has that
// already, and without the folders of this machine in it, and returns the path of the executable. That lies in
// the go command's build cache, where whoever builds the same from the same source finds it, in whatever
// folder: the same path means the same bytes.
// Errors are as Build's, or ErrFromFiles.
func Again(ctx context.Context, tag string) (path string, err error) {
	info, err := own()
	if err != nil {
		return "", err
	}
	// Run by echo, an executable is only named. `go run` caches what it links, unlike `go build`.
	args := []string{"run", "-trimpath", "-exec=echo"}
	tags, vcs := tag, false
	for _, s := range info.Settings {
		switch {
		case s.Key == "-tags":
			if tags = s.Value; !slices.Contains(strings.Split(tags, ","), tag) {
				tags += "," + tag
			}
		case s.Key == "vcs.revision":
			vcs = true
		case slices.Contains(kept, s.Key):
			args = append(args, s.Key+"="+s.Value)
		}
	}
	args = append(args, "-tags="+tags, fmt.Sprintf("-buildvcs=%t", vcs), info.Path)
	// What has just been linked is named where it was linked, and moved to the cache afterwards: the
	// second time, it is named there.
	for range 2 {
		out, err := invocation{name: "go build " + info.Path, args: args}.run(ctx)
		if err != nil {
			return "", err
		}
		path = strings.TrimSpace(string(out))
		if _, err = os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("building %s: the go command does not keep the executable, which Go 1.24 and later do", info.Path)
}
