// Package grafanatest stands in for Grafana in tests, because Debian has no package of it: a server
// that follows the part of Grafana's documented HTTP API that we use. It draws nothing, and what a
// test with it proves is that we keep to the documentation, not that Grafana does.
//
// https://grafana.com/docs/grafana/latest/developers/http_api/
package grafanatest

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
)

// Server is one Grafana. Its zero value lets nobody in. It is safe for concurrent use.
type Server struct {
	mu         sync.Mutex
	password   string // of the user admin
	token      string // of a service account
	sources    map[string]Source
	dashboards map[string]json.RawMessage // by UID
	versions   map[string]int
	contacts   []Receiver
	policy     string // the receiver of all alerts; "" is Grafana's default
	// reload is what POST /api/admin/provisioning/alerting/reload does.
	reload func() error
}

// Let sets what the server lets in: the password of the user admin, and the token of a service account.
// "" is nobody's.
func (s *Server) Let(password, token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.password, s.token = password, token
}

// OnReload sets what a reload of the alerts does.
func (s *Server) OnReload(f func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reload = f
}

// Show replaces all dashboards, as file provisioning does. Each is Grafana's JSON model.
func (s *Server) Show(all []json.RawMessage) error {
	next := map[string]json.RawMessage{}
	for _, text := range all {
		uid, _, err := name(text)
		if err != nil {
			return err
		}
		next[uid] = text
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dashboards = next
	return nil
}

// Dashboards are the UIDs of what is shown, sorted.
func (s *Server) Dashboards() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.dashboards))
}

// Dashboard is what is shown under a UID.
func (s *Server) Dashboard(uid string) (text json.RawMessage, there bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, there = s.dashboards[uid]
	return text, there
}

// name is a dashboard's UID and title; a dashboard without either is refused as Grafana refuses it.
func name(text json.RawMessage) (uid, title string, err error) {
	var d struct{ UID, Title string }
	if err := json.Unmarshal(text, &d); err != nil {
		return "", "", fmt.Errorf("dashboard: %w", err)
	}
	switch {
	case d.Title == "":
		return "", "", fmt.Errorf("dashboard title cannot be empty")
	case len(d.UID) > 40:
		return "", "", fmt.Errorf("uid too long, max 40 characters")
	case d.UID == "":
		return "", "", fmt.Errorf("dashboard %q: the stand-in makes no UIDs", d.Title)
	}
	return d.UID, d.Title, nil
}

// ServeHTTP answers the API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/api/health" {
		answer(w, http.StatusOK, map[string]string{"database": "ok", "version": "stand-in"})
		return
	}
	if !s.admitted(r) {
		answer(w, http.StatusUnauthorized, map[string]string{"message": "Invalid username or password"})
		return
	}
	s.routes().ServeHTTP(w, r)
}

func (s *Server) admitted(r *http.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	same := func(a, b string) bool { return a != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
	user, password, basic := r.BasicAuth()
	return basic && user == "admin" && same(s.password, password) ||
		s.token != "" && same("Bearer "+s.token, r.Header.Get("Authorization"))
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/org", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{"id": 1, "name": "Main Org."})
	})
	mux.HandleFunc("GET /api/search", s.search)
	mux.HandleFunc("POST /api/dashboards/db", s.save)
	mux.HandleFunc("GET /api/dashboards/uid/{uid}", s.get)
	mux.HandleFunc("GET /api/v1/provisioning/contact-points", s.contactPoints)
	mux.HandleFunc("POST /api/datasources", s.addSource)
	mux.HandleFunc("PUT /api/datasources/uid/{uid}", s.putSource)
	mux.HandleFunc("GET /api/datasources/uid/{uid}", s.getSource)
	mux.HandleFunc("/api/datasources/proxy/uid/{uid}/{path...}", s.proxy)
	mux.HandleFunc("POST /api/admin/provisioning/alerting/reload", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		reload := s.reload
		s.mu.Unlock()
		if reload != nil {
			if err := reload(); err != nil {
				answer(w, http.StatusInternalServerError, map[string]string{"message": err.Error()})
				return
			}
		}
		answer(w, http.StatusOK, map[string]string{"message": "Alerting config reloaded"})
	})
	return mux
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a caller that has gone cannot be told so
}
