package stores

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/influxdata/influxdb/models"

	"github.com/ephor-io/ephor/internal/storetest"
	"github.com/ephor-io/ephor/metrics"
)

// InfluxDB3AsDocumented is InfluxDB 3 by its documentation, through the API of version 2, which it has for existing clients.
func InfluxDB3AsDocumented(t *testing.T) storetest.Store {
	t.Helper()
	s := newInfluxDB3(t, false)
	return storetest.Store{
		Config:   metrics.Config{URL: s.serve(), Bucket: "ephor", Token: s.token},
		Database: "ephor", Authorization: "Bearer " + s.token,
	}
}

// InfluxDB3OfItsSource is the same through the API of version 1, and with what its source does where its documentation tells the
// APIs not apart: those of versions 1 and 2 refuse a batch for one point.
//
// https://github.com/influxdata/influxdb/issues/24850
func InfluxDB3OfItsSource(t *testing.T) storetest.Store {
	t.Helper()
	s := newInfluxDB3(t, true)
	return storetest.Store{
		Config:   metrics.Config{URL: s.serve(), Database: "ephor", Token: s.token},
		Database: "ephor", Authorization: "Bearer " + s.token,
		Except: map[string]string{
			"conflicts": "150 bad points take more splits of a batch than there may be: good ones are given up with them, and counted",
		},
	}
}

type influxDB3 struct {
	*documented
	databases *names
	whole     bool // refuses a batch for one line

	mu      sync.Mutex
	columns map[string]string // the types, where whole
}

func newInfluxDB3(t *testing.T, whole bool) *influxDB3 {
	s := &influxDB3{documented: newDocumented(t, "apiv3_a-token"), databases: new(names), whole: whole, columns: map[string]string{}}
	s.HandleFunc("GET /ping", s.ping)
	s.HandleFunc("POST /write", func(w http.ResponseWriter, r *http.Request) {
		s.write(w, r, r.URL.Query().Get("db"), "", "auto", "n", "ns", "nanosecond", "u", "us", "ms", "s", "m", "h")
	})
	s.HandleFunc("POST /api/v2/write", func(w http.ResponseWriter, r *http.Request) {
		s.write(w, r, r.URL.Query().Get("bucket"), "", "auto", "ns", "us", "ms", "s")
	})
	s.HandleFunc("POST /query", s.query)
	return s
}

// known answers a request without the token, which may come as Bearer or Token, and for the API of
// version 1 as a password.
//
// https://docs.influxdata.com/influxdb3/core/admin/tokens/ and
// https://docs.influxdata.com/influxdb3/core/write-data/http-api/compatibility-apis/
func (s *influxDB3) known(w http.ResponseWriter, r *http.Request) bool {
	scheme, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch scheme {
	case "Basic":
		b, err := base64.StdEncoding.DecodeString(value)
		_, password, _ := strings.Cut(string(b), ":")
		if err == nil && password == s.token {
			return true
		}
	case "Bearer", "Token":
		if value == s.token {
			return true
		}
	}
	answer(w, http.StatusUnauthorized, map[string]string{"error": "the request was not authenticated"})
	return false
}

// ping wants the token and says the version in a body.
//
// https://docs.influxdata.com/influxdb3/core/api/v3/
func (s *influxDB3) ping(w http.ResponseWriter, r *http.Request) {
	if s.known(w, r) {
		answer(w, http.StatusOK, map[string]string{"version": "3.10.0", "revision": "0"})
	}
}

// A rejectedLine is what InfluxDB 3 says of one.
type rejectedLine struct {
	Line    string `json:"original_line"`
	Number  int    `json:"line_number"`
	Message string `json:"error_message"`
}

// write makes the database if it is not there, stores the lines that it can, and names the first 100
// of those that it cannot.
//
// https://docs.influxdata.com/influxdb3/core/write-data/troubleshoot/
// https://docs.influxdata.com/influxdb3/core/write-data/http-api/v3-write-lp/
func (s *influxDB3) write(w http.ResponseWriter, r *http.Request, database string, precisions ...string) {
	if !s.known(w, r) {
		return
	}
	body, _, err := storetest.ReadPoints(r)
	if precision := r.URL.Query().Get("precision"); err != nil || database == "" || !slices.Contains(precisions, precision) {
		answer(w, http.StatusBadRequest, map[string]string{"error": "invalid request: database, precision or body"})
		return
	}
	if s.databases.add(database) {
		s.create(r, database)
	}
	if s.whole {
		if bad, ok := s.firstBad(database, body); ok {
			answer(w, http.StatusBadRequest, map[string]any{"error": "line protocol parsing error", "data": bad})
			return
		}
	}
	var rejected []rejectedLine
	number := 0
	for l := range strings.Lines(body) {
		number++
		status, text := s.ask(r, "/write", url.Values{"db": {database}, "precision": {"ns"}}, l)
		if status != http.StatusNoContent {
			rejected = append(rejected, rejectedLine{l, number, errorText(text)})
		}
	}
	if len(rejected) == 0 {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	answer(w, http.StatusBadRequest, map[string]any{
		"error": "partial write of line protocol occurred", "data": rejected[:min(len(rejected), 100)],
	})
}

// firstBad is the first line that does not parse, or does not fit the schema: each field of a table has the
// type that it had first.
func (s *influxDB3) firstBad(database, body string) (bad rejectedLine, found bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	added := map[string]string{}
	number := 0
	for l := range strings.Lines(body) {
		number++
		points, err := models.ParsePointsString(l)
		if err != nil {
			return rejectedLine{l, number, err.Error()}, true
		}
		fields, err := points[0].Fields()
		if err != nil {
			return rejectedLine{l, number, err.Error()}, true
		}
		for name, v := range fields {
			column, kind := fmt.Sprintf("%s/%s/%s", database, points[0].Name(), name), fmt.Sprintf("%T", v)
			if had := cmp.Or(s.columns[column], added[column]); had != "" && had != kind {
				return rejectedLine{l, number, "invalid column type for column '" + name + "'"}, true
			}
			added[column] = kind
		}
	}
	maps.Copy(s.columns, added)
	return rejectedLine{}, false
}

// query is https://docs.influxdata.com/influxdb3/core/query-data/execute-queries/influxdb-v1-api/
func (s *influxDB3) query(w http.ResponseWriter, r *http.Request) {
	if s.known(w, r) {
		s.read(w, r)
	}
}
