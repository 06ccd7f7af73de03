package influx

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ephor-io/ephor/internal/influxdtest"
)

// A target is a running InfluxDB 1.x with an empty database "ephor": this package, or Debian's influxd.
type target struct {
	name string
	url  string
}

// The embedded store, served over TCP as the laptop serves it.
func embedded(t testing.TB) target {
	t.Helper()
	_, url := serve(t, Config{})
	return target{"embedded", url}
}

// serve opens a store, in a new directory unless c names one, and serves it until the test ends.
func serve(t testing.TB, c Config) (*Server, string) {
	t.Helper()
	if c.Dir == "" {
		c.Dir = t.TempDir()
	}
	if c.Database == "" {
		c.Database = "ephor"
	}
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, inProcess(t, s).url
}

// inProcess serves a store that is open already.
func inProcess(t testing.TB, s *Server) target {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return target{"embedded", server.URL}
}

// Debian's influxd in a process of its own.
func influxd(t testing.TB) target {
	t.Helper()
	return target{"influxd", influxdtest.Start(t, "ephor")}
}

// A request and the answer to it, as the tests write and compare them.
type request struct {
	method string // default GET
	path   string // with the query string
	header map[string]string
	form   string // a body of type application/x-www-form-urlencoded
	body   string
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (d target) do(t testing.TB, r request) answer {
	t.Helper()
	body := r.body
	if r.form != "" {
		body = escape(r.form)
	}
	req, err := http.NewRequest(r.method, d.url+escape(r.path), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	// The transport would ask for gzip by itself, and hide it.
	req.Header.Set("Accept-Encoding", "identity")
	if r.form != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

// escape lets the tests write queries as people do.
func escape(path string) string {
	return strings.NewReplacer(" ", "+", `"`, "%22", "µ", "%C2%B5", ";", "%3B", "<", "%3C", ">", "%3E").Replace(path)
}

// values is the JSON of all rows that a query finds, with timestamps in nanoseconds.
func (d target) values(t testing.TB, q string) string {
	t.Helper()
	a := d.do(t, request{path: "/query?db=ephor&epoch=ns&q=" + q})
	var body struct {
		Results []struct {
			Series []struct{ Values []json.RawMessage }
			Error  string
		}
	}
	if err := json.Unmarshal([]byte(a.body), &body); err != nil {
		t.Fatalf("%s: %d %s", q, a.status, a.body)
	}
	var rows []string
	for _, result := range body.Results {
		if result.Error != "" {
			t.Fatalf("%s: %s", q, result.Error)
		}
		for _, series := range result.Series {
			for _, row := range series.Values {
				rows = append(rows, string(row))
			}
		}
	}
	return strings.Join(rows, " ")
}

// write stores points and fails the test unless they are acknowledged.
func (d target) write(t testing.TB, points string) {
	t.Helper()
	if a := d.do(t, request{method: "POST", path: "/write?db=ephor", body: points}); a.status != http.StatusNoContent {
		t.Fatalf("write: %d %s", a.status, a.body)
	}
}
