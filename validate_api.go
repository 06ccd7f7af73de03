package ephor

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	validStage  = `^[A-Za-z0-9_-]{1,128}$`
	validOrigin = `^(\*|https?://[^/\s]+)$`
)

func (a *App) validateAPI() (errs []error) {
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("API: "+format, args...)) }
	api := a.Front()
	api.CORS.validate(bad)
	if !api.REST {
		if api.Stage != "" {
			bad("the stage %q is a REST API's; an HTTP API is served at the root", api.Stage)
		}
		if len(api.BinaryTypes) > 0 {
			bad("binary types are a REST API's; an HTTP API decides by itself")
		}
		return errs
	}
	if !matches(validStage, api.Stage) {
		bad("stage %q: a name is letters, digits, hyphens and underscores", api.Stage)
	}
	if c := api.CORS; c != nil && len(c.Origins) != 1 {
		bad("CORS: a REST API answers preflight requests with one origin, or *; %d are given", len(c.Origins))
	} else if c != nil && len(c.Expose) > 0 {
		bad("CORS: the functions of a REST API say themselves what pages may read (Access-Control-Expose-Headers)")
	}
	return append(errs, a.validateTree()...)
}

// validateTree reports routes that a REST API's tree of resources has no place for: below one path
// there is one variable.
func (a *App) validateTree() (errs []error) {
	variables := map[string]string{} // by the path above
	for _, r := range a.routes {
		if r.Path != "/" && strings.HasSuffix(r.Path, "/") {
			errs = append(errs, fmt.Errorf("route %q: a REST API has no paths that end in a slash", r.Key()))
			continue
		}
		for above, part := range segments(r.Path) {
			if !strings.HasPrefix(part, "{") || strings.HasSuffix(part, "+}") {
				continue
			}
			if other, ok := variables[above]; ok && other != part {
				errs = append(errs, fmt.Errorf("route %q: below %s/ there is %s already, and a REST API takes one name for a variable", r.Key(), above, other))
			}
			variables[above] = part
		}
	}
	return errs
}

// segments are the parts of a path, each with the path above it.
func segments(path string) func(func(above, part string) bool) {
	return func(yield func(above, part string) bool) {
		above := ""
		for part := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
			if part == "" || !yield(above, part) {
				return
			}
			above += "/" + part
		}
	}
}

func (c *CORS) validate(bad func(format string, args ...any)) {
	if c == nil {
		return
	}
	if len(c.Origins) == 0 {
		bad("CORS without an origin lets nobody in: name one, or leave it nil")
	}
	for _, o := range c.Origins {
		if !matches(validOrigin, o) {
			bad("CORS: origin %q is neither * nor begins with http:// or https:// and has no path", o)
		}
	}
	if c.Credentials {
		for _, all := range [][]string{c.Origins, c.Methods, c.Headers, c.Expose} {
			if slices.Contains(all, "*") {
				bad("CORS: with credentials nothing may be *")
				break
			}
		}
		if len(c.Methods) == 0 {
			bad("CORS: with credentials the methods must be named")
		}
	}
	if c.MaxAge < 0 || c.MaxAge > 24*time.Hour || c.MaxAge%time.Second != 0 {
		bad("CORS: MaxAge is %v; it may be whole seconds, 24h at most", c.MaxAge)
	}
}
