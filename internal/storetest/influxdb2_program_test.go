package storetest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ephor-io/ephor/internal/storetest"
	"github.com/ephor-io/ephor/metrics"
)

// InfluxDB 2's own program. testdata/influxd-2 builds one from Go's module proxy, without Flux.
func TestInfluxDB2(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Store {
		i := startInfluxDB2(t)
		return storetest.Store{
			Config: metrics.Config{URL: i.address, Org: "shop", Bucket: "ephor", Token: i.token},
			// By itself it maps a database to the bucket of that name:
			// https://docs.influxdata.com/influxdb/v2/query-data/influxql/dbrp/
			Database: "ephor", Authorization: "Token " + i.token,
			Create: func(t *testing.T, name string) {
				if _, err := i.post("/api/v2/buckets", map[string]any{"orgID": i.org, "name": name, "retentionRules": []string{}}); err != nil {
					t.Fatal(err)
				}
			},
		}
	})
}

type influxDB2Program struct{ address, token, org string }

// startInfluxDB2 starts an InfluxDB 2 of the test's own, which ends with it, and sets it up.
//
// https://docs.influxdata.com/influxdb/v2/reference/config-options/
// https://docs.influxdata.com/influxdb/v2/api/setup/
func startInfluxDB2(t *testing.T) *influxDB2Program {
	t.Helper()
	program := storeProgram(t, "influxd-2")
	dir := t.TempDir()
	c := exec.Command(program, "run", "--http-bind-address", "127.0.0.1:0", "--reporting-disabled", "--log-level", "info",
		"--bolt-path", filepath.Join(dir, "bolt"), "--sqlite-path", filepath.Join(dir, "sqlite"), "--engine-path", filepath.Join(dir, "engine"))
	port := 0
	if !runStore(t, c, dir, func(log string) bool { port = listeningPort(log); return port != 0 }) {
		t.Fatal("influxd-2 did not start")
	}
	i := &influxDB2Program{address: fmt.Sprintf("http://127.0.0.1:%d", port), token: "a-token=="}
	i.setUp(t)
	return i
}

// listeningPort is the one that InfluxDB 2 tells in its log, 0 if it has not done so yet.
func listeningPort(log string) (port int) {
	for line := range strings.Lines(log) {
		_, after, ok := strings.Cut(line, " port=")
		if ok && strings.HasSuffix(line, "\n") && strings.Contains(line, "Listening") {
			if _, err := fmt.Sscanf(after, "%d", &port); err == nil {
				return port
			}
		}
	}
	return 0
}

// setUp makes the first user, organisation, bucket and token.
func (i *influxDB2Program) setUp(t *testing.T) {
	t.Helper()
	text, err := i.post("/api/v2/setup", map[string]any{"username": "admin", "password": "a password", "org": "shop", "bucket": "ephor", "token": i.token})
	if err != nil {
		t.Fatal(err)
	}
	var made struct{ Org struct{ ID string } }
	if err := json.Unmarshal(text, &made); err != nil || made.Org.ID == "" {
		t.Fatalf("%v: %s", err, text)
	}
	i.org = made.Org.ID
}

func (i *influxDB2Program) post(path string, body map[string]any) ([]byte, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequest(http.MethodPost, i.address+path, bytes.NewReader(encoded))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Token "+i.token)
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode/100 != 2 {
		err = fmt.Errorf("%s: %s %s", path, response.Status, text)
	}
	return text, err
}
