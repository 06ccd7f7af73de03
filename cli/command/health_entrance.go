package command

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"
)

// entrance is one of the host's two ports, asked from here.
type entrance struct {
	URL     string `json:"url"`
	Verdict string `json:"verdict"`
	Says    string `json:"says"`
}

// knocking is how long an answer may take. A security group answers nobody whom it does not let in, so the lack
// of one is what such a caller waits for.
const knocking = 10 * time.Second

// askStore asks whether the store is up, which needs no password.
//
// https://docs.influxdata.com/influxdb/v1/tools/api/#ping-http-endpoint
func askStore(ctx context.Context, client *http.Client, url, letsIn string) *entrance {
	return knock(ctx, client, url, "/ping", letsIn, func(r *http.Response, _ []byte) (string, bool) {
		version := r.Header.Get("X-Influxdb-Version")
		if r.StatusCode != http.StatusNoContent || version == "" {
			return "", false
		}
		return "answers: InfluxDB " + version, true
	})
}

// askGrafana asks for Grafana's health, which needs no password and tells whether its database is there.
//
// https://grafana.com/docs/grafana/latest/developers/http_api/other/#health-api
func askGrafana(ctx context.Context, client *http.Client, url, letsIn string) *entrance {
	return knock(ctx, client, url, "/api/health", letsIn, func(r *http.Response, body []byte) (string, bool) {
		var says struct{ Database, Version string }
		if err := json.Unmarshal(body, &says); err != nil || says.Database == "" {
			return "", false
		}
		if r.StatusCode == http.StatusOK && says.Database == "ok" {
			return "answers: Grafana " + says.Version, true
		}
		return fmt.Sprintf("answers %s, its database: %s", r.Status, says.Database), false
	})
}

// knock asks, and judges: well tells whether all is well, in words where it understands the answer.
func knock(ctx context.Context, client *http.Client, url, path, letsIn string, well func(*http.Response, []byte) (string, bool)) *entrance {
	d := &entrance{URL: url, Verdict: unknown}
	ctx, cancel := context.WithTimeout(ctx, knocking)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+path, nil)
	if err != nil {
		d.Says = err.Error()
		return d
	}
	response, err := client.Do(r)
	if err != nil {
		d.Verdict, d.Says = noAnswer(err, letsIn)
		return d
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil {
		d.Verdict, d.Says = noAnswer(err, letsIn)
		return d
	}
	says, ok := well(response, body)
	d.Verdict, d.Says = unhealthy, cmp.Or(says, fmt.Sprintf("answers %s to %s, which it does not where all is well", response.Status, path))
	if ok {
		d.Verdict = healthy
	}
	return d
}

// noAnswer tells a program that does not run, whose machine refuses the connection, from one that may only be out
// of sight. A proxy in between may refuse, too.
func noAnswer(err error, letsIn string) (verdict, says string) {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" && errors.Is(err, syscall.ECONNREFUSED) {
		return unhealthy, "does not run: the connection is refused"
	}
	return unknown, fmt.Sprintf("cannot be reached from here: %v; %s", innermost(err), letsIn)
}
