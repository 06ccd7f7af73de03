package page

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// policy lets the page load what is embedded and talk to where it came from; nothing inline runs.
//
// https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Content-Security-Policy
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// guard sets what every answer carries, and refuses what other web sites could make a browser
// send here: a name of theirs that resolves to this machine shows in Host, their scripts in Origin,
// and what they embed in Sec-Fetch-Site. To follow a link from there is fine.
//
// https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		switch {
		case !loopback(r.Host):
			writeError(w, http.StatusForbidden, "this page answers on localhost only, not on the host "+r.Host)
		case foreign(r):
			writeError(w, http.StatusForbidden, "this page answers to no other site")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func loopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

func foreign(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		if err != nil || !strings.EqualFold(u.Host, r.Host) {
			return true
		}
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return false
	default:
		return r.Header.Get("Sec-Fetch-Mode") != "navigate" || r.Header.Get("Sec-Fetch-Dest") != "document"
	}
}

func acceptsHTML(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}
