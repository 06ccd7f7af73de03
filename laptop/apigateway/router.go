package apigateway

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// tables is what requests to one API are answered by; it never changes, a new one replaces it.
type tables struct {
	cors   *cors
	stages map[string]*stageTable
}

// stageTable holds one stage's routes as a tree of path segments.
type stageTable struct {
	name      string
	given     map[string]string // the stage variables
	variables []byte            // the member ,"stageVariables":{…} of the event, or empty
	root      *node
	fallback  *target // of $default
}

// node is the place in the tree after some segments. A request goes the most specific way that
// leads to a route: literal segments before variables before a greedy variable.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
type node struct {
	literal  map[string]*node
	variable *node
	here     map[string]*target // by method, where the path ends
	greedy   map[string]*target // by method, for all that is below
}

// target is a route with its integration.
type target struct {
	key      string
	path     string   // as in the key
	names    []string // of the path's variables, in their order
	function string   // "" if the route has no integration, or none in this stage
	nowhere  string   // why it has none
	timeout  time.Duration
	format1  bool // payload format 1.0
	limit    *bucket
	guard    guard  // nil lets everybody in
	mock     *mock  // of a REST API: what it answers without a function
	resource string // the ID of a REST API's resource
	tenant   string // of a REST API: where the function's tenant is taken from, "" for nowhere
}

// compile makes the tables of an API.
func compile(r *record, g guards) (*tables, error) {
	t := &tables{cors: newCORS(r.API.CorsConfiguration), stages: map[string]*stageTable{}}
	for name, stage := range r.Stages {
		st := &stageTable{name: name, given: stage.StageVariables, variables: appendMap(nil, "stageVariables", stage.StageVariables), root: &node{}}
		routes, integrations := r.Routes, r.Integrations
		if !stage.AutoDeploy {
			d := r.Deployments[stage.DeploymentID]
			routes, integrations = d.Routes, d.Integrations
		}
		shared := g.shared(r)
		for _, route := range values(routes) {
			to, err := st.add(route, integrations)
			if err != nil {
				return nil, fmt.Errorf("stage %s: %w", name, err)
			}
			to.limit = stage.limit(route.RouteKey)
			to.guard = g.of(r, route, shared)
		}
		t.stages[name] = st
	}
	return t, nil
}

func (st *stageTable) add(route Route, integrations map[string]Integration) (*target, error) {
	method, path, err := splitKey(route.RouteKey)
	if err != nil {
		return nil, err
	}
	to := &target{key: route.RouteKey, path: path, nowhere: "the route has no integration"}
	if in, ok := integrations[strings.TrimPrefix(route.Target, integrationTarget)]; ok {
		to.lead(in.IntegrationURI, st.given)
		to.timeout = time.Duration(in.TimeoutInMillis) * time.Millisecond
		to.format1 = in.PayloadFormatVersion == "1.0"
	}
	if route.RouteKey == defaultRoute {
		st.fallback = to
		return to, nil
	}
	st.root.put(method, path, to)
	return to, nil
}

// lead lets a target lead to the function that a URI names in a stage with these variables. What it
// cannot lead to is told to whoever asks, as on AWS.
func (to *target) lead(uri string, variables map[string]string) {
	var err error
	if to.function, err = functionIn(uri, variables); err != nil {
		to.nowhere = err.Error()
	}
}

// put hangs a target into the tree below n.
func (n *node) put(method, path string, to *target) {
	for segment := range strings.SplitSeq(path[1:], "/") {
		name, isVariable := strings.CutPrefix(segment, "{")
		name = strings.TrimSuffix(name, "}")
		if isVariable {
			to.names = append(to.names, strings.TrimSuffix(name, "+"))
		}
		switch {
		case isVariable && strings.HasSuffix(name, "+"):
			n.greedy = put(n.greedy, method, to)
			return
		case isVariable:
			if n.variable == nil {
				n.variable = &node{}
			}
			n = n.variable
		default:
			if n.literal[segment] == nil {
				n.literal = put(n.literal, segment, &node{})
			}
			n = n.literal[segment]
		}
	}
	n.here = put(n.here, method, to)
}

func put[V any](m map[string]V, k string, v V) map[string]V {
	if m == nil {
		m = map[string]V{}
	}
	m[k] = v
	return m
}

// pick chooses the stage for a path as it was sent, and what is left of the path for its routes.
func (t *tables) pick(path string) (st *stageTable, rest string) {
	first, rest, more := strings.Cut(path[1:], "/")
	if st := t.stages[first]; st != nil && first != defaultStage {
		if !more {
			return st, "/"
		}
		return st, "/" + rest
	}
	return t.stages[defaultStage], path
}

// find chooses the route for a method and a path as it was sent, with the decoded values of the
// route's variables. It is nil if there is none.
func (st *stageTable) find(method, path string) (to *target, values []string) {
	var buf [4]string
	methods, values := st.root.find(method, path[1:], buf[:0])
	if methods == nil {
		return st.fallback, nil
	}
	return byMethod(methods, method), values
}

// find looks below n for path, which has no slash at its start, and tells what stands there by
// method. A path that ends in a slash has an empty last segment, which no variable but a greedy one
// takes. A place that lacks the method is passed over. A REST API asks with the method "": then it is
// any place that has one, values stay as they were sent (https://github.com/serverless/serverless/issues/5037),
// and a greedy variable takes one letter at least.
func (n *node) find(method, path string, values []string) (map[string]*target, []string) {
	sent, rest, more := strings.Cut(path, "/")
	segment := decode(sent)
	for _, next := range [...]*node{n.literal[segment], n.variable} {
		if next == nil {
			continue
		}
		got := values
		if next == n.variable {
			if segment == "" {
				continue
			}
			got = append(got, valueFor(method, sent))
		}
		if more {
			if to, got := next.find(method, rest, got); to != nil {
				return to, got
			}
		} else if serves(next.here, method) {
			return next.here, got
		}
	}
	if serves(n.greedy, method) && (method != "" || path != "") {
		return n.greedy, append(values, valueFor(method, path))
	}
	return nil, nil
}

// valueFor is a variable's value, decoded unless a REST API asks.
func valueFor(method, sent string) string {
	if method == "" {
		return sent
	}
	return decode(sent)
}

func serves(m map[string]*target, method string) bool {
	return m != nil && (method == "" || byMethod(m, method) != nil)
}

func byMethod(m map[string]*target, method string) *target {
	if to := m[method]; to != nil {
		return to
	}
	return m["ANY"]
}

// decode undoes percent-encoding; what is not encoded well stays as it is.
func decode(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	if d, err := url.PathUnescape(s); err == nil {
		return d
	}
	return s
}
