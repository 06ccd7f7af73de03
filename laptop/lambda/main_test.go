package lambda

import (
	"fmt"
	"os"
	"testing"
)

// TestMain puts the tests' folders where functions see them too: /tmp is their own.
func TestMain(m *testing.M) {
	if os.Getenv("EPHOR_TEST_VICTIM")+os.Getenv(killedDir) != "" { // it will not live to remove anything
		os.Exit(m.Run())
	}
	dir, err := os.MkdirTemp("/var/tmp", "ephor-lambda-test-*")
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
