package apigateway

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// CORS is an API's CORS configuration. With one the gateway answers preflight requests itself and
// replaces the functions' CORS headers:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
type CORS struct {
	AllowCredentials bool     `json:"allowCredentials,omitempty"`
	AllowHeaders     []string `json:"allowHeaders,omitempty"`
	AllowMethods     []string `json:"allowMethods,omitempty"`
	AllowOrigins     []string `json:"allowOrigins,omitempty"` // "*", "https://*", or an origin
	ExposeHeaders    []string `json:"exposeHeaders,omitempty"`
	MaxAge           int      `json:"maxAge,omitempty"` // seconds; -1 to 86400
}

func (c *CORS) clone() *CORS {
	if c == nil {
		return nil
	}
	out := *c
	out.AllowHeaders, out.AllowMethods = slices.Clone(c.AllowHeaders), slices.Clone(c.AllowMethods)
	out.AllowOrigins, out.ExposeHeaders = slices.Clone(c.AllowOrigins), slices.Clone(c.ExposeHeaders)
	return &out
}

func (c *CORS) validate() error {
	switch {
	case c == nil:
		return nil
	case c.AllowCredentials && (slices.Contains(c.AllowOrigins, "*") || slices.Contains(c.AllowMethods, "*") ||
		slices.Contains(c.AllowHeaders, "*") || slices.Contains(c.ExposeHeaders, "*")):
		return badRequest("CorsConfiguration: with AllowCredentials nothing may be *")
	case c.MaxAge < -1 || c.MaxAge > 86400:
		return badRequest("CorsConfiguration: MaxAge is %d; it may be -1 to 86400", c.MaxAge)
	}
	for _, o := range c.AllowOrigins {
		if _, any := anyOf(o); !any && strings.Contains(o, "*") {
			return badRequest("CorsConfiguration: origin %q: a wildcard is *, http://* or https://*", o)
		}
		if o != "*" && !strings.HasPrefix(o, "http://") && !strings.HasPrefix(o, "https://") {
			return badRequest("CorsConfiguration: origin %q is neither * nor begins with http:// or https://", o)
		}
	}
	return nil
}

// cors is a CORS configuration with its headers' values ready.
type cors struct {
	CORS
	methods, headers, expose, maxAge string
}

func newCORS(c *CORS) *cors {
	if c == nil {
		return nil
	}
	out := &cors{CORS: *c, methods: strings.Join(c.AllowMethods, ","), headers: strings.Join(c.AllowHeaders, ","), expose: strings.Join(c.ExposeHeaders, ",")}
	if c.MaxAge != 0 {
		out.maxAge = strconv.Itoa(c.MaxAge)
	}
	return out
}

// origin is what Access-Control-Allow-Origin says to an origin, "" if it is not allowed.
func (c *cors) origin(origin string) string {
	for _, o := range c.AllowOrigins {
		if o == "*" {
			return "*"
		}
		if prefix, any := anyOf(o); strings.EqualFold(o, origin) || any && strings.HasPrefix(origin, prefix) {
			return origin
		}
	}
	return ""
}

// anyOf is the scheme of which a wildcard allows every origin. There are no other wildcards: a prefix
// such as https://shop.example* would let https://shop.example.evil.example in.
func anyOf(origin string) (prefix string, ok bool) {
	switch origin {
	case "*", "http://*", "https://*":
		return strings.TrimSuffix(origin, "*"), true
	}
	return "", false
}

// admits says that pages of an origin may read what the API answers.
func (c *cors) admits(origin string) bool { return c != nil && c.origin(origin) != "" }

// preflight answers r with a status if it asks what another origin may do.
func (c *cors) preflight(w http.ResponseWriter, r *http.Request, status int) bool {
	if c == nil || r.Method != http.MethodOptions || r.Header.Get("Origin") == "" || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	c.decorate(w.Header(), r)
	if w.Header().Get("Access-Control-Allow-Origin") != "" {
		set(w.Header(), "Access-Control-Allow-Methods", c.methods)
		set(w.Header(), "Access-Control-Allow-Headers", c.headers)
		set(w.Header(), "Access-Control-Max-Age", c.maxAge)
	}
	w.WriteHeader(status)
	return true
}

// decorate puts the configured headers in place of those in h.
func (c *cors) decorate(h http.Header, r *http.Request) {
	if c == nil {
		return
	}
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			delete(h, name)
		}
	}
	allowed := c.origin(r.Header.Get("Origin"))
	if r.Header.Get("Origin") == "" || allowed == "" {
		return
	}
	h.Set("Access-Control-Allow-Origin", allowed)
	if allowed != "*" {
		h.Add("Vary", "Origin")
	}
	if c.AllowCredentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	set(h, "Access-Control-Expose-Headers", c.expose)
}

func set(h http.Header, name, value string) {
	if value != "" {
		h.Set(name, value)
	}
}
