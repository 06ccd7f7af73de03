package ephor

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ephor-io/ephor/dashboard"
)

// What names and paths look like. They are compiled where they are used: at package level they
// would be linked into the deployed binary, which never validates.
const (
	validStack = `^[A-Za-z][A-Za-z0-9-]{0,99}$`
	// https://docs.aws.amazon.com/lambda/latest/api/API_Environment.html
	validVariable = `^[A-Za-z][A-Za-z0-9_]+$`
	validFunction = `^[A-Za-z][A-Za-z0-9]{0,40}$`
	validPath     = `^(/|(/([A-Za-z0-9._~!$&'()*+,;=:@%-]+|\{[A-Za-z0-9._-]+\+?\}))+/?)$`
)

// maxFunctionName is the length of a function's name on AWS, APPLICATION-FUNCTION here.
const maxFunctionName = 64

func matches(pattern, s string) bool { return regexp.MustCompile(pattern).MatchString(s) }

// Validate reports everything that is wrong with the application, each with its place.
func (a *App) Validate() error {
	var errs []error
	if !matches(validStack, a.name) {
		errs = append(errs, fmt.Errorf("application %q: a name is a letter, then letters, digits or hyphens, 100 at most", a.name))
	}
	seen := map[string]bool{}
	for _, f := range a.functions {
		if seen[strings.ToLower(f.Name)] {
			errs = append(errs, fmt.Errorf("function %q: there are two of that name", f.Name))
		}
		seen[strings.ToLower(f.Name)] = true
		if n := len(a.name) + 1 + len(f.Name); n > maxFunctionName {
			errs = append(errs, fmt.Errorf("function %q: with the application's name it is called %s-%s, %d characters; Lambda takes %d", f.Name, a.name, f.Name, n, maxFunctionName))
		}
		errs = append(errs, f.validate()...)
	}
	if len(a.functions) == 0 {
		errs = append(errs, fmt.Errorf("application %q has no function: add one with app.Function", a.name))
	}
	keys := map[string]bool{}
	for _, r := range a.routes {
		if keys[r.Key()] {
			errs = append(errs, fmt.Errorf("route %q: there are two of it", r.Key()))
		}
		keys[r.Key()] = true
		errs = append(errs, a.validateRoute(r)...)
	}
	errs = append(errs, a.validateAPI()...)
	errs = append(errs, a.validateSources()...)
	if i, ok := a.Container(); ok {
		errs = append(errs, i.validate())
	}
	g, ok := a.Monitoring()
	if ok && g.Stack == a.name {
		errs = append(errs, fmt.Errorf("monitoring stack %q has the application's own name", g.Stack))
	} else if ok && !matches(validStack, g.Stack) {
		errs = append(errs, fmt.Errorf("monitoring stack %q: a name is a letter, then letters, digits or hyphens, 100 at most", g.Stack))
	}
	if ok {
		errs = append(errs, dashboard.ValidateAll(g.Dashboards), g.Alerts.Validate())
	}
	s, own := a.Store()
	if own {
		errs = append(errs, s.validate())
	}
	errs = append(errs, validateContacts(g.Contacts, own))
	return errors.Join(errs...)
}

func (f *Function) validate() (errs []error) {
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("function %q: "+format, append([]any{f.Name}, args...)...))
	}
	if !matches(validFunction, f.Name) {
		bad("a name is a letter, then letters or digits, 41 at most")
	}
	if f.Handler == nil {
		bad("the handler is nil")
	}
	if f.Memory != 0 && (f.Memory < 128 || f.Memory > 10240) {
		bad("memory is %d MB; Lambda takes 128 to 10240", f.Memory)
	}
	if f.Timeout < 0 || f.Timeout > 900*time.Second || f.Timeout%time.Second != 0 {
		bad("timeout is %v; Lambda takes whole seconds from 1 to 900", f.Timeout)
	}
	if f.Concurrency < 0 {
		bad("reserved concurrency is %d", f.Concurrency)
	}
	if f.FlushEvery < 0 {
		bad("FlushEvery is %d", f.FlushEvery)
	}
	if f.URL != nil {
		if f.Name == "Api" || f.Name == "Dashboard" {
			bad("the stack's output for its URL would be %sUrl, which is taken: name the function otherwise", f.Name)
		}
		f.URL.CORS.validate(bad)
	}
	for _, p := range f.Permissions {
		if err := p.Validate(); err != nil {
			bad("permission: %w", err)
		}
	}
	for name := range f.Environment {
		switch {
		case strings.HasPrefix(name, "EPHOR_"), strings.HasPrefix(name, "AWS_"), strings.HasPrefix(name, "LAMBDA_"):
			bad("environment variable %s: names that begin with EPHOR_, AWS_ or LAMBDA_ are taken", name)
		case !matches(validVariable, name):
			bad("environment variable %q: a name is a letter, then letters, digits and underscores, two at least", name)
		}
	}
	return errs
}

func (a *App) validateRoute(r Route) (errs []error) {
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("route %q: "+format, append([]any{r.Key()}, args...)...))
	}
	switch r.Method {
	case "ANY", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
	default:
		bad("API Gateway does not know the method %q", r.Method)
	}
	if !matches(validPath, r.Path) {
		bad(`a path begins with "/" and has parts such as orders, {id} or, at the end, {name+}`)
	}
	if i := strings.Index(r.Path, "+}"); i >= 0 && i+2 != len(r.Path) {
		bad("a greedy variable stands only at the end of a path")
	}
	if r.Function == nil || !slices.Contains(a.functions, r.Function) {
		bad("its function does not belong to this application")
	}
	return errs
}
