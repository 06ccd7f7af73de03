package load

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

// newTransport speaks HTTP/1.1 over at most MaxConnections to a host, keeps all of them, and
// neither follows redirects nor asks for compression. As everywhere in net/http, a request that
// may be repeated is sent anew when a kept connection proves to be closed before any answer;
// it counts once.
func newTransport(c Config) http.RoundTripper {
	dialer := &net.Dialer{Timeout: c.Timeout}
	t := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		MaxConnsPerHost:     c.MaxConnections,
		MaxIdleConnsPerHost: c.MaxConnections,
		IdleConnTimeout:     90 * time.Second,
		TLSHandshakeTimeout: c.Timeout,
		DisableCompression:  true,
		Protocols:           new(http.Protocols),
	}
	t.Protocols.SetHTTP1(true)
	if !c.AllowRemote {
		t.Proxy = nil
		dialer.Control = func(_, address string, _ syscall.RawConn) error { return refuseRemote(address) }
	}
	t.DialContext = dialer.DialContext
	return t
}

// Reasons why a request failed, beside "status 404" and the like. They are few, so that what
// counts by them stays small.
const (
	reasonTimeout   = "timeout"
	reasonCancelled = "cancelled"
	reasonWaiting   = "too many waiting"
	reasonRefused   = "connection refused"
	reasonReset     = "connection reset"
	reasonClosed    = "connection closed"
	reasonCut       = "body cut short"
	reasonName      = "host name not found"
	reasonTLS       = "TLS"
	reasonFiles     = "too many open files"
	reasonOther     = "other"
)

// A failure is why a request is not ok.
type failure struct {
	reason string
	detail string // for people
}

// exchange sends one request and reads the answer to its end. It returns nil for a whole answer
// with a status of 200 to 299.
func exchange(ctx context.Context, transport http.RoundTripper, t *target) *failure {
	resp, err := transport.RoundTrip(t.outgoing(ctx))
	if err != nil {
		return &failure{reasonOf(err), err.Error()}
	}
	defer resp.Body.Close()
	var bad *failure
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		start, _ := io.ReadAll(io.LimitReader(resp.Body, 200))
		bad = &failure{"status " + strconv.Itoa(resp.StatusCode), fmt.Sprintf("%s: %q", resp.Status, start)}
	}
	// A connection is used again only when the body has been read to its end.
	if _, err := io.Copy(io.Discard, resp.Body); err != nil && bad == nil {
		reason := reasonOf(err)
		if reason == reasonClosed {
			reason = reasonCut
		}
		bad = &failure{reason, "reading the body: " + err.Error()}
	}
	return bad
}

func reasonOf(err error) string {
	var (
		network     net.Error
		name        *net.DNSError
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
		alert       tls.AlertError
	)
	switch {
	case errors.Is(err, context.Canceled):
		return reasonCancelled
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return reasonTimeout
	case errors.Is(err, syscall.ECONNREFUSED):
		return reasonRefused
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return reasonReset
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return reasonClosed
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return reasonFiles
	case errors.As(err, &name):
		return reasonName
	case errors.As(err, &certificate), errors.As(err, &record), errors.As(err, &alert):
		return reasonTLS
	}
	return reasonOther
}
