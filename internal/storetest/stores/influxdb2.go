package stores

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/influxdata/influxdb/models"

	"github.com/ephor-io/ephor/internal/storetest"
	"github.com/ephor-io/ephor/metrics"
)

// InfluxDB2AsDocumented is InfluxDB 2.x by its documentation, for where its program, see InfluxDB2, is not at hand.
func InfluxDB2AsDocumented(t *testing.T) storetest.Store {
	t.Helper()
	s := &influxDB2{documented: newDocumented(t, "a-token=="), buckets: new(names)}
	s.buckets.add("ephor")
	s.HandleFunc("GET /ping", s.ping)
	s.HandleFunc("POST /api/v2/write", s.write)
	s.HandleFunc("POST /query", s.query)
	return storetest.Store{
		Config:   metrics.Config{URL: s.serve(), Org: "shop", Bucket: "ephor", Token: s.token},
		Database: "ephor", // mapped to the bucket of that name, as DBRP mappings are by default
		// https://docs.influxdata.com/influxdb/v2/query-data/influxql/dbrp/
		Authorization: "Token " + s.token,
		Create: func(t *testing.T, name string) {
			s.create(httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil), name)
			s.buckets.add(name)
		},
	}
}

type influxDB2 struct {
	*documented
	buckets *names
}

// ping says the version in headers: https://docs.influxdata.com/influxdb/v2/api/ping/
func (s *influxDB2) ping(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("X-Influxdb-Build", "OSS")
	w.Header().Set("X-Influxdb-Version", "v2.9.0")
	w.WriteHeader(http.StatusNoContent)
}

// known answers a request without the token.
//
// https://docs.influxdata.com/influxdb/v2/api/authentication/
func (s *influxDB2) known(w http.ResponseWriter, r *http.Request) bool {
	if r.Header.Get("Authorization") == "Token "+s.token {
		return true
	}
	s.fail(w, http.StatusUnauthorized, "unauthorized", "unauthorized access")
	return false
}

func (s *influxDB2) fail(w http.ResponseWriter, status int, code, message string) {
	answer(w, status, map[string]string{"code": code, "message": message})
}

// write is https://docs.influxdata.com/influxdb/v2/api/v2/write/ with the statuses of
// https://docs.influxdata.com/influxdb/v2/write-data/troubleshoot/: a malformed line refuses the batch
// (400), a point that does not fit leaves the rest of it in (422).
func (s *influxDB2) write(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	switch {
	case !s.known(w, r):
		return
	case q.Get("org") != "shop":
		s.fail(w, http.StatusNotFound, "not found", `organization name "`+q.Get("org")+`" not found`)
		return
	case !s.buckets.is(q.Get("bucket")):
		s.fail(w, http.StatusNotFound, "not found", `bucket "`+q.Get("bucket")+`" not found`)
		return
	case !slices.Contains([]string{"", "ns", "us", "ms", "s"}, q.Get("precision")):
		s.fail(w, http.StatusBadRequest, "invalid", "invalid precision")
		return
	}
	body, _, err := storetest.ReadPoints(r)
	if err != nil {
		s.fail(w, http.StatusBadRequest, "invalid", err.Error())
		return
	}
	if _, err := models.ParsePointsWithPrecision([]byte(body), time.Now(), "n"); err != nil {
		s.fail(w, http.StatusBadRequest, "invalid", err.Error())
		return
	}
	status, text := s.ask(r, "/write", url.Values{"db": {q.Get("bucket")}, "precision": {"ns"}}, body)
	switch {
	case status == http.StatusBadRequest && strings.Contains(text, "partial write"):
		s.fail(w, http.StatusUnprocessableEntity, "unprocessable entity", "failure writing points to database: "+errorText(text))
	case status != http.StatusNoContent:
		s.fail(w, http.StatusInternalServerError, "internal error", errorText(text))
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// query is https://docs.influxdata.com/influxdb/v2/api-guide/influxdb-1x/query/
func (s *influxDB2) query(w http.ResponseWriter, r *http.Request) {
	if s.known(w, r) {
		s.read(w, r)
	}
}

// errorText is the message in an error of InfluxDB 1.x.
func errorText(body string) string {
	_, after, _ := strings.Cut(body, `"error":"`)
	before, _, _ := strings.Cut(after, `"}`)
	return strings.ReplaceAll(before, `\"`, `"`)
}
