// Package page is the local web page: it shows the dashboards that Grafana would show, from the
// same JSON, live, and answers everything from assets that are embedded.
//
//	handler, err := page.New(page.Config{
//		Title:      "SpartaGrafana",
//		Dashboards: boards, // as package monitor renders them
//		Store:      func() string { return "http://127.0.0.1:8086" },
//		Database:   "ephor",
//	})
//
// It only ever reads: the methods are GET and HEAD, and of InfluxQL it lets SELECT and SHOW
// through.
package page

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"time"
)

// Config is what a page shows.
type Config struct {
	// Title is the application's name.
	Title string
	// Dashboards are listed in this order; the first is shown first.
	Dashboards []Dashboard
	// Store returns the base URL of the store, or "" while there is none. It is called for every
	// query, from many goroutines.
	Store func() string
	// Database is the store's database; queries go to no other.
	Database string
	// Status returns what the header tells; nil means nothing. It is called about once a second per
	// open page, from many goroutines.
	Status func() Status
	// Timeout bounds one query to the store; 0 means 15 s.
	Timeout time.Duration
	// Transport carries the queries; nil means http.DefaultTransport.
	Transport http.RoundTripper
}

// Dashboard is one dashboard in Grafana's JSON. Package monitor's Dashboard converts to it.
type Dashboard struct {
	UID   string
	Title string
	JSON  []byte
}

// Status is what the page's header tells about the application that runs.
type Status struct {
	// Figures stand side by side, about six of them at most.
	Figures []Figure `json:"figures"`
	// Links lead to what belongs to the application: its API, its endpoint.
	Links []Link `json:"links"`
	// Notice is one sentence about what goes on just now, such as "building HelloWorld"; "" is nothing.
	Notice string `json:"notice"`
	// Failed says that the notice is of something that went wrong.
	Failed bool `json:"failed"`
	// Revision names what the page shows: one that shows something else loads itself again. New sets it.
	Revision string `json:"revision"`
	// Try is a command that gives the dashboards something to show, such as
	// "curl http://127.0.0.1:8080/hello/grafana". It is shown while there is nothing.
	Try string `json:"try"`
}

// Figure is one number of the header.
type Figure struct {
	Label string  `json:"label"`
	Value float64 `json:"value"`
	// Unit is one of Grafana's unit identifiers; "" is a plain number.
	Unit string `json:"unit,omitempty"`
	// Detail stands small beside the value, such as "3 busy".
	Detail string `json:"detail,omitempty"`
	// Alarm draws the eye to the figure.
	Alarm bool `json:"alarm,omitempty"`
}

// Link is one link of the header.
type Link struct {
	Text string `json:"text"`
	URL  string `json:"url"`
}

var validUID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`)

// New makes the page's handler, which is safe for concurrent use. It refuses dashboards whose
// UIDs or JSON it could not serve.
func New(c Config) (http.Handler, error) {
	if c.Store == nil {
		return nil, errors.New("page: the configuration names no store")
	}
	if c.Timeout == 0 {
		c.Timeout = 15 * time.Second
	}
	if c.Transport == nil {
		c.Transport = http.DefaultTransport
	}
	listing, revision, err := list(c)
	if err != nil {
		return nil, err
	}
	files, err := newAssets()
	if err != nil {
		return nil, err
	}
	shell, err := renderShell(c.Title)
	if err != nil {
		return nil, err
	}
	p := &pages{config: c, assets: files, shell: shell, revision: revision, uids: map[string]bool{}}
	for _, d := range c.Dashboards {
		p.uids[d.UID] = true
	}

	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.first)
	mux.HandleFunc("GET /d/{uid}", p.dashboard)
	mux.HandleFunc("GET /d/{uid}/{slug}", p.dashboard)
	mux.HandleFunc("GET /api/dashboards", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, listing) })
	mux.HandleFunc("GET /api/status", p.status)
	mux.HandleFunc("GET /query", newProxy(c).query)
	mux.HandleFunc("GET /assets/", files.serve)
	mux.HandleFunc("GET /favicon.ico", p.favicon)
	mux.HandleFunc("/", p.missing)
	return secure(mux), nil
}

// list is what /api/dashboards answers: {"title","revision","dashboards":[{"uid","title","path","model"}]}. The
// revision is another when anything else of it is.
func list(c Config) (listing []byte, revision string, err error) {
	type entry struct {
		UID   string          `json:"uid"`
		Title string          `json:"title"`
		Path  string          `json:"path"`
		Model json.RawMessage `json:"model"`
	}
	entries := make([]entry, 0, len(c.Dashboards))
	seen := map[string]bool{}
	for _, d := range c.Dashboards {
		switch {
		case !validUID.MatchString(d.UID):
			return nil, "", fmt.Errorf("page: dashboard %q: the UID %q is not 1 to 40 letters, digits, hyphens or underscores", d.Title, d.UID)
		case seen[d.UID]:
			return nil, "", fmt.Errorf("page: dashboard %q: there are two with the UID %s", d.Title, d.UID)
		case !json.Valid(d.JSON):
			return nil, "", fmt.Errorf("page: dashboard %q: its model is not JSON", d.Title)
		}
		seen[d.UID] = true
		entries = append(entries, entry{d.UID, d.Title, address(d), d.JSON})
	}
	all := map[string]any{"title": c.Title, "dashboards": entries}
	text, err := json.Marshal(all)
	if err == nil {
		sum := sha256.Sum256(text)
		revision = hex.EncodeToString(sum[:8])
		all["revision"] = revision
		listing, err = json.Marshal(all)
	}
	if err != nil {
		return nil, "", fmt.Errorf("page: listing the dashboards: %w", err)
	}
	return listing, revision, nil
}

// address is where Grafana would show the dashboard. Its slug is for the reader alone.
func address(d Dashboard) string { return "/d/" + url.PathEscape(d.UID) + "/" + url.PathEscape(d.UID) }
