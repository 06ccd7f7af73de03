// Package influxdtest starts Debian's InfluxDB for tests.
package influxdtest

import (
	"cmp"
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
	return StartWith(t, Config{Database: database})
}

// Config is what an influxd is to be like. Only Database has to be there.
type Config struct {
	// Database is made.
	Database string
	// Admin is the user:password of one who may do everything; with one, nobody else may do anything.
	Admin string
	// Certificate is a file with a certificate for 127.0.0.1 and its key, in PEM; with one, influxd
	// speaks TLS.
	Certificate string
	// Program is another influxd than the one on PATH.
	Program string
	// Client trusts Certificate; nil means http.DefaultClient.
	Client *http.Client
}

// StartWith is Start for an influxd that differs from Debian's own configuration.
func StartWith(t testing.TB, c Config) string {
	t.Helper()
	program := c.Program
	if program == "" {
		var err error
		if program, err = exec.LookPath("influxd"); err != nil {
			t.Skip("influxd is not installed: apt-get install influxdb")
		}
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "influxdb.conf")
	// Port 0, not one found free a moment ago: another test's server may take that in between, and
	// this test would talk to it. influxd tells which port it got in its log alone.
	err := os.WriteFile(config, fmt.Appendf(nil, `
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
  auth-enabled = %t
  https-enabled = %t
  https-certificate = %q
[logging]
  format = "logfmt"
`, filepath.Join(dir, "meta"), filepath.Join(dir, "data"), filepath.Join(dir, "wal"),
		c.Admin != "", c.Certificate != "", c.Certificate), 0o600)
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
			if c.Certificate != "" {
				address = strings.Replace(address, "http:", "https:", 1)
			}
			err = c.prepare(address)
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

// prepare makes the user and the database, and sees to it that the database is there.
func (c Config) prepare(address string) error {
	statements := []string{"CREATE DATABASE " + c.Database, "SHOW DATABASES"}
	if user, password, ok := strings.Cut(c.Admin, ":"); ok {
		// The first user may be made by anybody; made again with the same password it stays as it is.
		quoted := "'" + strings.ReplaceAll(password, "'", `\'`) + "'"
		statements = slices.Insert(statements, 0, "CREATE USER "+user+" WITH PASSWORD "+quoted+" WITH ALL PRIVILEGES")
	}
	for _, q := range statements {
		names, err := c.run(address, q)
		if err != nil {
			return err
		}
		if q == "SHOW DATABASES" && !slices.Contains(names, c.Database) {
			return fmt.Errorf("%s: %q is not among %q", q, c.Database, names)
		}
	}
	return nil
}

// run runs one statement and returns the first value of each row.
func (c Config) run(address, q string) (names []string, err error) {
	r, err := http.NewRequest(http.MethodPost, address+"/query", strings.NewReader(url.Values{"q": {q}}.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if user, password, ok := strings.Cut(c.Admin, ":"); ok && !strings.HasPrefix(q, "CREATE USER") {
		r.SetBasicAuth(user, password)
	}
	resp, err := cmp.Or(c.Client, http.DefaultClient).Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var answer struct {
		Results []struct {
			Error  string
			Series []struct{ Values [][]string }
		}
		Error string
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return nil, fmt.Errorf("%s: %w", q, err)
	}
	if resp.StatusCode != http.StatusOK || len(answer.Results) != 1 || answer.Results[0].Error != "" {
		return nil, fmt.Errorf("%s: %s: %+v", q, resp.Status, answer)
	}
	for _, s := range answer.Results[0].Series {
		for _, row := range s.Values {
			names = append(names, row[0])
		}
	}
	return names, nil
}

func read(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
