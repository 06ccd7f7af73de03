package function

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/influxdata/influxdb/models"
)

// A fakeStore keeps what is written to it as a store does: of two points of one series and time,
// one. How it answers is up to the test.
type fakeStore struct {
	t      *testing.T
	server *httptest.Server
	steps  *steps

	mu     sync.Mutex
	bodies [][]byte
	points map[string]models.Point
	twice  int // points that came more than once
	// answer is called for each write, numbered from 0, before it counts; false drops it.
	answer func(n int, w http.ResponseWriter) bool
}

func newStore(t *testing.T) *fakeStore {
	s := &fakeStore{t: t, points: map[string]models.Point{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /write", s.write)
	s.server = httptest.NewServer(mux)
	t.Cleanup(s.server.Close)
	return s
}

func (s *fakeStore) write(w http.ResponseWriter, r *http.Request) {
	if user, password, _ := r.BasicAuth(); user != "writer" || password != "secret" {
		s.t.Errorf("the credentials are %q", r.Header.Get("Authorization"))
	}
	if q := r.URL.Query(); q.Get("db") != "ephor" || q.Get("precision") != "ns" {
		s.t.Errorf("the query is %q", r.URL.RawQuery)
	}
	body, err := io.ReadAll(r.Body)
	if err == nil && r.Header.Get("Content-Encoding") == "gzip" {
		var z *gzip.Reader
		if z, err = gzip.NewReader(bytes.NewReader(body)); err == nil {
			body, err = io.ReadAll(z)
		}
	}
	if err != nil {
		return // the writer gave up
	}
	points, err := models.ParsePoints(slices.Clone(body))
	if err != nil {
		s.t.Errorf("the store is sent %q: %v", body, err)
	}
	if s.steps != nil {
		s.steps.add("write")
	}
	s.mu.Lock()
	n := len(s.bodies)
	s.bodies = append(s.bodies, body)
	answer := s.answer
	s.mu.Unlock()
	if answer != nil && !answer(n, w) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range points {
		key := string(p.Key()) + " " + p.Time().String()
		if _, ok := s.points[key]; ok {
			s.twice++
		}
		s.points[key] = p
	}
	if answer == nil {
		w.WriteHeader(http.StatusNoContent)
	}
}

// of returns the points of a measurement by time.
func (s *fakeStore) of(measurement string) (fields []models.Fields) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []models.Point
	for _, p := range s.points {
		if string(p.Name()) == measurement {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b models.Point) int { return a.Time().Compare(b.Time()) })
	for _, p := range list {
		f, err := p.Fields()
		if err != nil {
			s.t.Error(err)
		}
		for _, tag := range []string{"function", "version", "instance"} {
			f["tag "+tag] = p.Tags().GetString(tag)
		}
		fields = append(fields, f)
	}
	return fields
}

func (s *fakeStore) set(answer func(n int, w http.ResponseWriter) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

func (s *fakeStore) writes() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.bodies)
}
