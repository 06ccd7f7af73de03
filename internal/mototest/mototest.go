// Package mototest starts moto_server, a stand-in for AWS by others, for tests.
package mototest

import (
	"bufio"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long moto_server has to start. A test fails by it only when it hangs.
const patience = 2 * time.Minute

var running = regexp.MustCompile(`Running on (http://127\.0\.0\.1:\d+)`)

// Start starts a moto_server of the test's own and returns its address. It ends with the test. Without
// moto_server the test is skipped.
func Start(t testing.TB) (endpoint string) {
	t.Helper()
	program, err := exec.LookPath("moto_server")
	if err != nil {
		t.Skip("moto_server is not installed: pip install 'moto[server]'")
	}
	// Port 0, not one found free a moment ago, which another test may take in between. It says which it got.
	server := exec.Command(program, "-H", "127.0.0.1", "-p", "0")
	stderr, err := server.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	var (
		mu   sync.Mutex
		last []string // the lines of its log that matter, at most 40
	)
	found := make(chan string, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			line := lines.Text()
			if m := running.FindStringSubmatch(line); m != nil {
				found <- m[1]
			}
			if strings.Contains(line, `" 200 -`) {
				continue
			}
			mu.Lock()
			last = append(last, line)
			last = last[max(0, len(last)-40):]
			mu.Unlock()
		}
		_ = server.Wait() // it is killed
	}()
	t.Cleanup(func() {
		if err := server.Process.Kill(); err != nil {
			t.Errorf("ending moto_server: %v", err)
		}
		<-ended
		if t.Failed() {
			t.Logf("moto_server:\n%s", strings.Join(last, "\n"))
		}
	})
	select {
	case endpoint = <-found:
	case <-ended:
		t.Fatalf("moto_server ended:\n%s", strings.Join(last, "\n"))
	case <-time.After(patience):
		t.Fatal("moto_server does not say where it listens")
	}
	return endpoint
}
