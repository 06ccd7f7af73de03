package laptop

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// guard keeps web pages of other sites away from the ports of the laptop. A page somewhere on
// the web can make its reader's browser send requests to loopback, in three ways:
//
//   - by DNS rebinding: its own name suddenly resolves to 127.0.0.1. The Host header still tells
//     that name, so only names of loopback are served;
//   - by a script or a form: browsers tell the page's Origin with every request that is not a
//     plain GET, and it must be our own or, with neighbours, another one on loopback;
//   - by an image, a frame, a plain GET: newer browsers tell in Sec-Fetch-Site that it comes from
//     another site. Only a reader who follows a link gets through (Sec-Fetch-Mode: navigate).
//
// Programs that are no browsers send neither header.
//
// https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
func guard(next http.Handler, neighbours bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := checkSite(r, neighbours); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// guardAPI is guard for an API: it serves pages of other ports of this machine, and pages of those
// sites that its own CORS configuration lets in, as admits tells. The host is checked for them too:
// a name that was rebound is no origin that anybody configured.
func guardAPI(next http.Handler, admits func(*http.Request) bool) http.Handler {
	strict := guard(next, true)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Origin") != "" && Loopback(r.Host) && admits(r) {
			next.ServeHTTP(w, r)
			return
		}
		strict.ServeHTTP(w, r)
	})
}

func checkSite(r *http.Request, neighbours bool) error {
	if !Loopback(r.Host) {
		return fmt.Errorf("refused: the host %q is not this machine: use 127.0.0.1 or localhost", r.Host)
	}
	origin := r.Header.Get("Origin")
	if origin != "" {
		u, err := url.Parse(origin)
		switch {
		case err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host):
			return nil
		case err == nil && neighbours && u.Host != "" && Loopback(u.Host):
			return nil
		}
		return fmt.Errorf("refused: the request comes from a page of another site, %q", origin)
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return nil
	case "same-site":
		if neighbours {
			return nil
		}
	}
	safe := r.Method == http.MethodGet || r.Method == http.MethodHead
	if safe && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document" {
		return nil
	}
	return fmt.Errorf("refused: the request comes from a page of another site")
}

// Loopback reports whether hostport, with or without a port, names this machine's loopback.
// Names below localhost are loopback's, too (RFC 6761, section 6.3).
func Loopback(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
