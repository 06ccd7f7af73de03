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
	"strings"
	"sync"
)

// Server is one Grafana. Its zero value lets nobody in. It is safe for concurrent use.
type Server struct {
	mu          sync.Mutex
	password    string          // of the user admin
	tokens      map[string]Role // of service accounts
	anonymous   Role            // of who says nothing of themselves
	sources     map[string]Source
	dashboards  map[string]json.RawMessage // by UID
	versions    map[string]int
	folders     map[string]string // of dashboards, by UID
	titles      map[string]string // of folders, by UID
	provisioned map[string]bool   // the dashboards that are from files, by UID
	groups      map[string]Group  // of alert rules, by their folder and name
	contacts    []Receiver
	policy      string                  // the receiver of all alerts; "" is Grafana's default
	reload      map[string]func() error // what POST /api/admin/provisioning/KIND/reload does
}

// Role is what somebody may do in their organisation.
//
// https://grafana.com/docs/grafana/latest/administration/roles-and-permissions/
type Role int

// The roles. None is nobody's.
const (
	None Role = iota
	Viewer
	Editor
	Admin
)

// Let sets what the server lets in: the password of the user admin, and the token of a service account that is one.
// "" is nobody's.
func (s *Server) Let(password, token string) {
	s.mu.Lock()
	s.password = password
	s.mu.Unlock()
	s.LetAs(token, Admin)
}

// LetAs lets a service account in, or nobody of that token any more.
func (s *Server) LetAs(token string, as Role) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens == nil {
		s.tokens = map[string]Role{}
	}
	s.tokens[token] = as
}

// LetAnybody lets those in who say nothing of themselves.
func (s *Server) LetAnybody(as Role) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.anonymous = as
}

// OnReload sets what a reload of one kind of provisioning does: dashboards or alerting.
func (s *Server) OnReload(kind string, f func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reload == nil {
		s.reload = map[string]func() error{}
	}
	s.reload[kind] = f
}

// Show replaces all dashboards, as file provisioning does. Each is Grafana's JSON model.
func (s *Server) Show(all []json.RawMessage) error {
	next, files := map[string]json.RawMessage{}, map[string]bool{}
	for _, text := range all {
		uid, _, err := name(text)
		if err != nil {
			return err
		}
		next[uid], files[uid] = text, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dashboards, s.provisioned = next, files
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
	role, known := s.role(r)
	switch {
	case !known:
		answer(w, http.StatusUnauthorized, map[string]string{"message": "Invalid username or password"})
	case role < needed(r):
		answer(w, http.StatusForbidden, map[string]string{"message": "You'll need additional permissions to perform this action."})
	default:
		s.routes().ServeHTTP(w, r)
	}
}

func (s *Server) role(r *http.Request) (Role, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	same := func(a, b string) bool { return a != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
	if user, password, basic := r.BasicAuth(); basic {
		return Admin, user == "admin" && same(s.password, password)
	}
	if token, bears := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); bears {
		role := s.tokens[token]
		return role, token != "" && role != None
	}
	return s.anonymous, s.anonymous != None
}

// needed is the least role that may do what r asks. What reads is for all who are in, and so are queries.
//
// https://grafana.com/docs/grafana/latest/administration/roles-and-permissions/access-control/rbac-fixed-basic-role-definitions/
func needed(r *http.Request) Role {
	path := r.URL.Path
	switch {
	case strings.HasPrefix(path, "/api/datasources/proxy/"):
		return Viewer
	case strings.HasPrefix(path, "/api/admin/"), strings.HasPrefix(path, "/api/v1/provisioning/"):
		return Admin
	case r.Method == http.MethodGet:
		return Viewer
	case strings.HasPrefix(path, "/api/datasources"):
		return Admin
	}
	return Editor
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/org", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{"id": 1, "name": "Main Org."})
	})
	mux.HandleFunc("GET /api/search", s.search)
	mux.HandleFunc("POST /api/dashboards/db", s.save)
	mux.HandleFunc("GET /api/dashboards/uid/{uid}", s.get)
	mux.HandleFunc("POST /api/folders", s.addFolder)
	mux.HandleFunc("GET /api/folders", s.listFolders)
	mux.HandleFunc("GET /api/folders/{uid}", s.getFolder)
	mux.HandleFunc("GET /api/v1/provisioning/folder/{folder}/rule-groups/{group}", s.getGroup)
	mux.HandleFunc("PUT /api/v1/provisioning/folder/{folder}/rule-groups/{group}", s.putGroup)
	mux.HandleFunc("DELETE /api/v1/provisioning/folder/{folder}/rule-groups/{group}", s.deleteGroup)
	mux.HandleFunc("GET /api/v1/provisioning/contact-points", s.contactPoints)
	mux.HandleFunc("POST /api/datasources", s.addSource)
	mux.HandleFunc("PUT /api/datasources/uid/{uid}", s.putSource)
	mux.HandleFunc("GET /api/datasources/uid/{uid}", s.getSource)
	mux.HandleFunc("/api/datasources/proxy/uid/{uid}/{path...}", s.proxy)
	mux.HandleFunc("POST /api/admin/provisioning/{kind}/reload", s.reloads)
	return mux
}

// https://grafana.com/docs/grafana/latest/developers/http_api/admin/#reload-provisioning-configurations
func (s *Server) reloads(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	reload := s.reload[r.PathValue("kind")]
	s.mu.Unlock()
	if reload == nil {
		answer(w, http.StatusNotFound, map[string]string{"message": "Not found"})
		return
	}
	if err := reload(); err != nil {
		answer(w, http.StatusInternalServerError, map[string]string{"message": err.Error()})
		return
	}
	answer(w, http.StatusOK, map[string]string{"message": r.PathValue("kind") + " config reloaded"})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a caller that has gone cannot be told so
}
