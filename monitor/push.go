package monitor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Target is a Grafana that dashboards are put into.
type Target struct {
	// URL is where it is, with the path that it is served under.
	URL string
	// Token is a service account's token or, with a colon in it, user:password. The account has to be an
	// editor, and an administrator of its organisation for alert rules and data sources.
	Token string
	// Source is the UID of the data source that the panels shall ask; "" means DataSourceUID.
	Source string
	// Folder is the UID of the folder that dashboards and alert rules go to. "" leaves a dashboard in the folder that
	// it is in there, which at first is none; alert rules go to the folder called Ephor then.
	Folder string
	// Client makes the requests; nil means http.DefaultClient.
	Client *http.Client
}

// Part is what of a Grafana a request was about.
type Part string

// The parts.
const (
	PartSource    Part = "data source"
	PartFolder    Part = "folder"
	PartDashboard Part = "dashboard"
	PartRules     Part = "alert rules"
	PartItself    Part = "Grafana itself"
)

// RefusedError is what a Grafana said no to.
type RefusedError struct {
	Part Part
	// What was asked for, and the HTTP status and message of the answer.
	What    string
	Status  int
	Message string
	// Code is the answer's own word for why, such as "name-exists"; "" where it has none.
	Code string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s: Grafana answers %d: %s", e.What, e.Status, e.Message)
}

// StrangeError is an answer that is none of Grafana's API.
type StrangeError struct {
	What, ContentType string
	Status            int // of HTTP
}

func (e *StrangeError) Error() string {
	return fmt.Sprintf("%s: the answer is of the kind %q, with status %d, and Grafana's API answers in JSON", e.What, e.ContentType, e.Status)
}

// Push puts dashboards into a Grafana, over those that have the same UID there and no others, and returns where each
// is shown. Before the first it looks whether the data source is there and takes InfluxQL. A dashboard that is there as it
// should be is left alone, so that Grafana keeps no version of it that is none. A refusal is a *RefusedError, a title that
// is another dashboard's a *TakenError.
//
// https://grafana.com/docs/grafana/latest/developers/http_api/dashboard/
func Push(ctx context.Context, to Target, boards []Dashboard) ([]string, error) {
	g, err := to.open()
	if err != nil {
		return nil, err
	}
	if err := g.checkSource(ctx); err != nil {
		return nil, err
	}
	if to.Folder != "" {
		if err := g.call(ctx, asksFolder(to.Folder), nil); err != nil {
			return nil, err
		}
	}
	var shown []string
	for _, b := range boards {
		at, err := g.pushBoard(ctx, b)
		if err != nil {
			return shown, err
		}
		shown = append(shown, at)
	}
	return shown, nil
}

// api is the HTTP API of one Grafana.
type api struct {
	Target
	base *url.URL
}

func (to Target) open() (*api, error) {
	base, err := url.Parse(to.URL)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		// Not quoted: a password may be in it that nobody could find.
		return nil, errors.New("that is not the address of a Grafana, such as https://grafana.example.com")
	}
	if base.User != nil {
		return nil, errors.New("the address holds a password, which everybody sees on the command line")
	}
	if base.RawQuery != "" || base.Fragment != "" {
		return nil, errors.New("the address has a query or a fragment, which no request would keep: leave out what stands behind ? or #; " +
			"an organisation is the one of the token")
	}
	if to.Source == "" {
		to.Source = DataSourceUID
	}
	client := http.DefaultClient
	if to.Client != nil {
		client = to.Client
	}
	own := *client
	// A redirect would turn a POST into a GET. It is how Grafana tells its proper address.
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	to.Client = &own
	return &api{Target: to, base: base}, nil
}

// ask is one request.
type ask struct {
	part   Part
	what   string   // for people
	method string   // "" is GET
	path   []string // what stands behind the first is escaped
	query  url.Values
	body   any // nil for none
}

// call makes one request. out, if not nil, takes the answer.
func (g *api) call(ctx context.Context, a ask, out any) error {
	fails := func(err error) error { return fmt.Errorf("%s: %w", a.what, err) }
	var body io.Reader
	if a.body != nil {
		text, err := json.Marshal(a.body)
		if err != nil {
			return fails(err)
		}
		body = bytes.NewReader(text)
	}
	path := a.path[0]
	for _, p := range a.path[1:] {
		path += "/" + url.PathEscape(p)
	}
	at := g.base.JoinPath(path)
	at.RawQuery = a.query.Encode()
	r, err := http.NewRequestWithContext(ctx, a.method, at.String(), body)
	if err != nil {
		return fails(err)
	}
	if a.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Accept", "application/json")
	g.authenticate(r)
	resp, err := g.Client.Do(r)
	if err != nil {
		return fails(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return fails(fmt.Errorf("reading Grafana's answer: %w", err))
	}
	kind := resp.Header.Get("Content-Type")
	strange := &StrangeError{What: a.what, ContentType: kind, Status: resp.StatusCode}
	switch status := resp.StatusCode; {
	case !strings.Contains(kind, "json") && (status == http.StatusNotFound || status == http.StatusBadRequest || status == http.StatusMethodNotAllowed):
		return strange // from whoever has that path, or speaks TLS at that port
	case status/100 != 2:
		message, code := reason(resp, text)
		return &RefusedError{Part: a.part, What: a.what, Status: status, Message: message, Code: code}
	case status == http.StatusNoContent || len(text) == 0:
		return nil
	case !strings.Contains(kind, "json"):
		return strange
	}
	if out == nil {
		out = &json.RawMessage{}
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fails(fmt.Errorf("what Grafana answers: %w", err))
	}
	return nil
}

// https://grafana.com/docs/grafana/latest/developers/http_api/authentication/
func (g *api) authenticate(r *http.Request) {
	switch user, password, basic := strings.Cut(g.Token, ":"); {
	case basic:
		r.SetBasicAuth(user, password)
	case g.Token != "":
		r.Header.Set("Authorization", "Bearer "+g.Token)
	}
}

// reason is why Grafana says no: the message of its answer, or where it is to be asked instead, and its word for that.
func reason(resp *http.Response, text []byte) (message, code string) {
	var said struct{ Message, Status string }
	switch err := json.Unmarshal(text, &said); {
	case resp.StatusCode/100 == 3:
		return "it is to be asked at " + resp.Header.Get("Location"), ""
	case err != nil || said.Message == "":
		return http.StatusText(resp.StatusCode), said.Status
	}
	return said.Message, said.Status
}

// there reports whether a request found what it asked for.
func there(err error) (bool, error) {
	var refused *RefusedError
	if errors.As(err, &refused) && refused.Status == http.StatusNotFound {
		return false, nil
	}
	return err == nil, err
}
