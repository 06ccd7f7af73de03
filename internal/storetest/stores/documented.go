// Package stores starts the stores that package storetest holds to what Ephor needs: programs, where they are
// installed, and stand-ins that answer as a store's documentation says, where nobody packages it.
package stores

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/ephor-io/ephor/influx"
)

// A documented store is one that cannot be had here. It has the embedded engine behind it and answers as
// the documentation of its API says.
type documented struct {
	*http.ServeMux
	*testing.T
	engine *influx.Server
	token  string
}

func newDocumented(t *testing.T, token string) *documented {
	return &documented{ServeMux: http.NewServeMux(), T: t, engine: engine(t), token: token}
}

// serve starts it, and returns where.
func (d *documented) serve() string {
	server := httptest.NewServer(d)
	d.Cleanup(server.Close)
	return server.URL
}

// ask hands a request of InfluxDB 1.x to the engine.
func (d *documented) ask(r *http.Request, path string, query url.Values, body string) (status int, answer string) {
	inner := httptest.NewRequestWithContext(r.Context(), r.Method, path+"?"+query.Encode(), strings.NewReader(body))
	inner.Header.Set("Content-Type", r.Header.Get("Content-Type"))
	w := httptest.NewRecorder()
	d.engine.ServeHTTP(w, inner)
	return w.Code, w.Body.String()
}

// create makes a database.
func (d *documented) create(r *http.Request, name string) {
	form := url.Values{"q": {`CREATE DATABASE "` + name + `"`}}
	r = r.Clone(r.Context())
	r.Method = http.MethodPost
	if status, answer := d.ask(r, "/query", form, ""); status != http.StatusOK {
		d.Errorf("%s: %d %s", form, status, answer)
	}
}

// read answers a query in InfluxQL.
func (d *documented) read(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		d.Error(err)
	}
	status, answer := d.ask(r, "/query", r.URL.Query(), string(body))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, answer) // the suite reads what arrives
}

// answer writes JSON.
func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the suite reads what arrives
}

// names is a set of names that exist.
type names struct {
	mu  sync.Mutex
	has map[string]bool
}

func (n *names) add(name string) (added bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	added = !n.has[name]
	if n.has == nil {
		n.has = map[string]bool{}
	}
	n.has[name] = true
	return added
}

func (n *names) is(name string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.has[name]
}
