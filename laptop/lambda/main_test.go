package lambda

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestMain puts the tests' folders where functions see them too: /tmp is their own.
func TestMain(m *testing.M) {
	if os.Getenv("EPHOR_TEST_VICTIM")+os.Getenv(killedDir) != "" { // it will not live to remove anything
		os.Exit(m.Run())
	}
	dir, err := os.MkdirTemp("/var/tmp", "ephor-lambda-test-"+strconv.Itoa(os.Getpid())+"-*")
	if err == nil {
		err = removeLeft("/var/tmp")
	}
	if err == nil {
		err = os.Setenv("TMPDIR", dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// removeLeft removes the tests' folders below parent that processes have left which were killed.
func removeLeft(parent string) error {
	const name = "ephor-lambda-test-"
	all, err := filepath.Glob(filepath.Join(parent, name+"*-*"))
	for _, dir := range all {
		number, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), name), "-")
		if pid, perr := strconv.Atoi(number); perr == nil && pid > 0 && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}
	return err
}
