package uptest

import (
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// FindEmulator finds AWS's Runtime Interface Emulator, which nobody packages.
func FindEmulator(t testing.TB) string {
	t.Helper()
	emulator, err := exec.LookPath("aws-lambda-rie")
	if err != nil {
		t.Skip("aws-lambda-rie is not on PATH: docs/emulator.md has the command that builds it, go install or git clone")
	}
	return emulator
}

// StartEmulator runs a's function in the emulator, as the function emulated, with a's store and
// more variables in its environment.
func StartEmulator(t testing.TB, emulator []string, a *Application, handler string, env ...string) (url string) {
	t.Helper()
	var bootstrap string
	err := filepath.WalkDir(a.State, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "bootstrap" && d.Type().IsRegular() {
			bootstrap = path
		}
		return err
	})
	if err != nil || bootstrap == "" {
		t.Fatalf("the function's executable is not found below %s: %v", a.State, err)
	}
	// It takes no port 0: neither its own port nor the Runtime API's would be told to anyone.
	var addresses [2]string
	for i := range addresses {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addresses[i] = l.Addr().String()
		l.Close()
	}
	address := addresses[0]
	arguments := append(emulator[1:len(emulator):len(emulator)],
		"--runtime-interface-emulator-address", address, "--runtime-api-address", addresses[1], bootstrap, handler)
	c := exec.Command(emulator[0], arguments...)
	c.Dir = filepath.Dir(bootstrap)
	c.Env = append(os.Environ(), "AWS_LAMBDA_FUNCTION_NAME=emulated", "LOG_LEVEL=error")
	c.Env = append(c.Env, env...)
	if a.Store != "" {
		c.Env = append(c.Env, "EPHOR_STORE_URL="+a.Store, "EPHOR_STORE_DATABASE=ephor")
	}
	var text Output
	c.Stdout, c.Stderr = &text, &text
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill() // it has nothing to lose
		_ = c.Wait()
		if t.Failed() {
			t.Logf("the emulator wrote:\n%s", &text)
		}
	})
	Eventually(t, "the emulator listens", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return "http://" + address
}
