package page

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
)

type pages struct {
	config Config
	assets *assets
	shell  []byte
	// revision is what the dashboards are now.
	revision string
	uids     map[string]bool
}

// renderShell makes the one HTML page there is; scripts fill it with whatever its address asks for.
func renderShell(title string) ([]byte, error) {
	t, err := template.ParseFS(embedded, "assets/index.html")
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, struct{ Title string }{title}); err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	return b.Bytes(), nil
}

// first leads to the first dashboard. Without any, the page says how to have one.
func (p *pages) first(w http.ResponseWriter, r *http.Request) {
	if len(p.config.Dashboards) > 0 {
		http.Redirect(w, r, address(p.config.Dashboards[0]), http.StatusFound)
		return
	}
	p.html(w, http.StatusOK)
}

func (p *pages) dashboard(w http.ResponseWriter, r *http.Request) {
	if !p.uids[r.PathValue("uid")] {
		p.missing(w, r)
		return
	}
	p.html(w, http.StatusOK)
}

// missing answers whatever is not there: people with the page, whose script sees that its address
// leads nowhere, programs with JSON.
func (p *pages) missing(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		writeError(w, http.StatusMethodNotAllowed, "this page only reads: the method is GET")
	case acceptsHTML(r):
		p.html(w, http.StatusNotFound)
	default:
		writeError(w, http.StatusNotFound, "there is nothing at "+r.URL.Path)
	}
}

func (p *pages) html(w http.ResponseWriter, code int) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	w.WriteHeader(code)
	w.Write(p.shell)
}

func (p *pages) status(w http.ResponseWriter, _ *http.Request) {
	var s Status
	if p.config.Status != nil {
		s = p.config.Status()
	}
	s.Revision = p.revision
	text, err := json.Marshal(s)
	if err != nil {
		writeError(w, http.StatusInternalServerError, "the status is not to be had: "+err.Error())
		return
	}
	writeJSON(w, http.StatusOK, text)
}

func (p *pages) favicon(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/assets/icon.svg", http.StatusMovedPermanently)
}

func writeJSON(w http.ResponseWriter, code int, text []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(code)
	w.Write(text)
}

// writeError answers as InfluxDB does, so that one reader understands the store's errors and ours.
func writeError(w http.ResponseWriter, code int, what string) {
	text, err := json.Marshal(map[string]string{"error": what})
	if err != nil {
		text = []byte(`{"error":"the error cannot be told"}`)
	}
	writeJSON(w, code, text)
}

func acceptsHTML(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}
