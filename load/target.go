package load

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/ephor-io/ephor/line"
)

// RemoteError refuses a target on another machine: whoever loads somebody else's server by
// accident attacks it.
type RemoteError struct{ Target, Host string }

func (e *RemoteError) Error() string {
	return fmt.Sprintf("target %q is on %s: only this machine is loaded, unless AllowRemote says that the server there is yours to load", e.Target, e.Host)
}

// A target is a Target made ready.
type target struct {
	name    string
	request *http.Request // shared: whoever sends it takes a copy
	body    []byte
	series  line.Series
	tally   *tally
}

func newTarget(t Target, remote bool) (*target, error) {
	method := cmp.Or(t.Method, http.MethodGet)
	u, err := url.Parse(t.URL)
	if err != nil {
		return nil, fmt.Errorf("target %q: %w", t.Name, err)
	}
	name := cmp.Or(t.Name, method+" "+cmp.Or(u.Path, "/"))
	if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, fmt.Errorf("target %q: %q is no absolute http or https URL", name, t.URL)
	}
	if !remote && !local(u.Hostname()) {
		return nil, &RemoteError{Target: name, Host: u.Host}
	}
	req, err := http.NewRequest(method, t.URL, nil)
	if err != nil {
		return nil, fmt.Errorf("target %q: %w", name, err)
	}
	if t.Header != nil {
		req.Header = t.Header.Clone()
	}
	// The standard library sends the Host header from elsewhere.
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	req.ContentLength = int64(len(t.Body))
	series, err := line.NewSeries("load", line.Tag{Key: "target", Value: name})
	if err != nil {
		return nil, fmt.Errorf("target %q: %w", name, err)
	}
	return &target{name: name, request: req, body: bytes.Clone(t.Body), series: series, tally: newTally()}, nil
}

// outgoing is one request to the target.
func (t *target) outgoing(ctx context.Context) *http.Request {
	req := t.request.WithContext(ctx)
	if len(t.body) > 0 {
		// With GetBody a connection that turns out to be closed before anything was written is
		// replaced by another in silence, as it is for a request without a body.
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(t.body)), nil }
		req.Body, _ = req.GetBody()
	}
	return req
}

// local reports whether the host is this machine by its very name: what a name server would say
// of others is not asked.
func local(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// refuseRemote is for the name localhost, which a hosts file may lead elsewhere.
func refuseRemote(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err == nil && local(host) {
		return nil
	}
	return &RemoteError{Target: "localhost", Host: address}
}
