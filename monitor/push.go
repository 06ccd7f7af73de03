package monitor

import (
	"bytes"
	"context"
	"encoding/base64"
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
	// editor.
	Token string
	// Source is the UID of the data source that the panels shall ask; "" means DataSourceUID.
	Source string
	// Client makes the requests; nil means http.DefaultClient.
	Client *http.Client
}

// RefusedError is what a Grafana said no to.
type RefusedError struct {
	// What was asked for, and the HTTP status and message of the answer.
	What    string
	Status  int
	Message string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s: Grafana answers %d: %s", e.What, e.Status, e.Message)
}

// Push puts dashboards into a Grafana, over those that have the same UID there, and returns where each
// is shown. Before the first it looks whether the data source is there. A refusal is a *RefusedError.
//
// https://grafana.com/docs/grafana/latest/developers/http_api/dashboard/
func Push(ctx context.Context, to Target, boards []Dashboard) ([]string, error) {
	base, err := url.Parse(to.URL)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, fmt.Errorf("%q is not the address of a Grafana, such as https://grafana.example.com", to.URL)
	}
	if base.User != nil {
		return nil, errors.New("the address holds a password, which everybody sees on the command line")
	}
	uid := to.Source
	if uid == "" {
		uid = DataSourceUID
	}
	if err := to.call(ctx, "data source "+uid, http.MethodGet, base.JoinPath("api/datasources/uid", uid), nil, nil); err != nil {
		return nil, err
	}
	var shown []string
	for _, b := range boards {
		model, err := withSource(b.JSON, uid)
		if err != nil {
			return shown, fmt.Errorf("dashboard %q: %w", b.Title, err)
		}
		body, err := json.Marshal(map[string]any{"dashboard": json.RawMessage(model), "overwrite": true, "message": "put here by Ephor"})
		if err != nil {
			return shown, fmt.Errorf("dashboard %q: %w", b.Title, err)
		}
		var answer struct{ URL string }
		if err := to.call(ctx, fmt.Sprintf("dashboard %q", b.Title), http.MethodPost, base.JoinPath("api/dashboards/db"), body, &answer); err != nil {
			return shown, err
		}
		// Grafana's answer has the path that it is served under in it already.
		shown = append(shown, base.Scheme+"://"+base.Host+answer.URL)
	}
	return shown, nil
}

// withSource is a dashboard whose panels ask another data source.
func withSource(text []byte, uid string) ([]byte, error) {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return nil, err
	}
	replaceSource(v, DataSourceUID, uid)
	return json.Marshal(v)
}

// replaceSource names another InfluxDB data source wherever one is named: in place of from, or of any
// where from is "".
func replaceSource(v any, from, to string) {
	switch v := v.(type) {
	case map[string]any:
		if uid := v["uid"]; v["type"] == "influxdb" && uid != nil && (from == "" || uid == from) {
			v["uid"] = to
		}
		for _, item := range v {
			replaceSource(item, from, to)
		}
	case []any:
		for _, item := range v {
			replaceSource(item, from, to)
		}
	}
}

// call is one request. out, if not nil, takes the answer.
func (to Target) call(ctx context.Context, what, method string, at *url.URL, body []byte, out any) error {
	r, err := http.NewRequestWithContext(ctx, method, at.String(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	r.Header.Set("Content-Type", "application/json")
	switch {
	case strings.Contains(to.Token, ":"):
		r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(to.Token)))
	case to.Token != "":
		r.Header.Set("Authorization", "Bearer "+to.Token)
	}
	client := to.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("%s: reading Grafana's answer: %w", what, err)
	}
	if resp.StatusCode != http.StatusOK {
		var said struct{ Message string }
		if json.Unmarshal(text, &said) != nil || said.Message == "" {
			said.Message = http.StatusText(resp.StatusCode)
		}
		return &RefusedError{What: what, Status: resp.StatusCode, Message: said.Message}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("%s: Grafana's answer: %w", what, err)
	}
	return nil
}
