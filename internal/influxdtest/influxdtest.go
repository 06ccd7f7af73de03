// Package influxdtest starts Debian's InfluxDB for tests.
package influxdtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// patience is how long influxd has to start. A test fails by it only when influxd hangs.
const patience = time.Minute

// Start starts an influxd of the test's own, with an empty database of that name, and returns its
// address. It ends with the test. Without influxd the test is skipped.
func Start(t testing.TB, database string) string {
	t.Helper()
	program, err := exec.LookPath("influxd")
	if err != nil {
		t.Skip("influxd is not installed: apt-get install influxdb")
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "influxdb.conf")
	// Port 0, not one found free a moment ago: another test's server may take that in between, and
	// this test would talk to it. influxd tells which port it got in its log alone.
	err = os.WriteFile(config, fmt.Appendf(nil, `
reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
  dir = %q
[data]
  dir = %q
  wal-dir = %q
  index-version = "tsi1"
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:0"
[logging]
  format = "logfmt"
`, filepath.Join(dir, "meta"), filepath.Join(dir, "data"), filepath.Join(dir, "wal")), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-config", config)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
		log.Close()
	})

	deadline := time.After(patience)
	var last error
	for {
		address, err := listening(log.Name())
		if err == nil {
			err = create(address, database)
		}
		if err == nil {
			return address
		}
		last = err
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("influxd ended (%v):\n%s", err, read(log.Name()))
		case <-deadline:
			t.Fatalf("influxd did not start: %v\n%s", last, read(log.Name()))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// listening finds the address in influxd's log.
func listening(log string) (string, error) {
	for line := range strings.Lines(read(log)) {
		// A line without its end may lack a part of the port.
		if !strings.HasSuffix(line, "\n") || !strings.Contains(line, "Listening on HTTP") {
			continue
		}
		if _, address, ok := strings.Cut(line, "addr="); ok {
			return "http://" + strings.Fields(address)[0], nil
		}
	}
	return "", fmt.Errorf("no line of the log says where it listens")
}

// create makes the database and sees to it that it is there.
func create(address, database string) error {
	for _, q := range []string{"CREATE DATABASE " + database, "SHOW DATABASES"} {
		resp, err := http.PostForm(address+"/query", url.Values{"q": {q}})
		if err != nil {
			return err
		}
		var answer struct {
			Results []struct {
				Error  string
				Series []struct{ Values [][]string }
			}
			Error string
		}
		err = json.NewDecoder(resp.Body).Decode(&answer)
		resp.Body.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
		if resp.StatusCode != http.StatusOK || len(answer.Results) != 1 || answer.Results[0].Error != "" {
			return fmt.Errorf("%s: %s: %+v", q, resp.Status, answer)
		}
		if q != "SHOW DATABASES" {
			continue
		}
		for _, s := range answer.Results[0].Series {
			if slices.ContainsFunc(s.Values, func(row []string) bool { return slices.Contains(row, database) }) {
				return nil
			}
		}
		return fmt.Errorf("%s: %q is not among %+v", q, database, answer.Results[0].Series)
	}
	return nil
}

func read(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
