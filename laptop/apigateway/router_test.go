package apigateway

import (
	"slices"
	"strings"
	"testing"
)

func tableOf(t testing.TB, keys ...string) *stageTable {
	t.Helper()
	st := &stageTable{root: &node{}}
	for _, key := range keys {
		if _, err := st.add(Route{RouteKey: key}, nil); err != nil {
			t.Fatal(err)
		}
	}
	return st
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	st := tableOf(t, "GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}", "POST /pets/dog/{other}",
		"GET /a/{x}/c", "GET /a/b/{y}", "ANY /lit", "GET /{v}", "GET /slash/", "$default")
	f := func(request, wantKey string, wantValues ...string) {
		t.Helper()
		method, path, _ := strings.Cut(request, " ")
		to, values := st.find(method, path)
		if to.key != wantKey || !slices.Equal(values, wantValues) {
			t.Errorf("%s goes to %q with %q, want %q with %q", request, to.key, values, wantKey, wantValues)
		}
	}
	// The table of https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
	f("GET /pets/dog/1", "GET /pets/dog/1")
	f("GET /pets/dog/2", "GET /pets/dog/{id}", "2")
	f("GET /pets/cat/1", "GET /pets/{proxy+}", "cat/1")
	f("POST /test/5", "ANY /{proxy+}", "test/5")

	f("POST /pets/dog/2", "POST /pets/dog/{other}", "2")
	f("DELETE /pets/dog/2", "ANY /{proxy+}", "pets/dog/2") // the paths that match more closely have other methods
	f("GET /a/b/c", "GET /a/b/{y}", "c")
	f("GET /a/z/c", "GET /a/{x}/c", "z")
	f("GET /a/b/c/d", "ANY /{proxy+}", "a/b/c/d")
	f("GET /lit", "ANY /lit")
	f("GET /x", "GET /{v}", "x")
	f("GET /a%2Fb", "GET /{v}", "a/b")
	f("GET /%zz", "GET /{v}", "%zz")
	f("GET /slash/", "GET /slash/")
	f("GET /slash", "GET /{v}", "slash")
	f("GET /lit/", "ANY /{proxy+}", "lit/")
	f("GET /", "ANY /{proxy+}", "")
	f("GET /pets/", "GET /pets/{proxy+}", "")

	st = tableOf(t, "GET /only", "GET /o/{id}")
	for _, request := range []string{"GET /only/", "POST /only", "GET /ONLY", "GET /", "GET /only/x", "GET /o/", "GET /o"} {
		method, path, _ := strings.Cut(request, " ")
		if to, _ := st.find(method, path); to != nil {
			t.Errorf("%s goes to %q", request, to.key)
		}
	}
}

func TestRouteKeys(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"$default", "GET /", "ANY /a", "GET /a/{b}/c", "DELETE /{a+}", "GET /a/", "GET /a-b_c.d~e", "GET /{a.b:c-d}"} {
		if _, _, err := splitKey(key); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
	for _, key := range []string{"", "GET", "GET ", "GET a", "get /a", "TRACE /a", "GET /{a+}/b", "GET /{", "GET /{}", "GET /a b", "/a", "GET //", "GET /a{b}"} {
		if _, _, err := splitKey(key); err == nil {
			t.Errorf("%q is taken", key)
		}
	}
}

func FuzzRoutes(f *testing.F) {
	f.Add("GET /a/{b}/{c+}", "/a/b/c/d")
	f.Add("ANY /", "/")
	f.Add("GET /a", "/%41")
	f.Fuzz(func(t *testing.T, key, path string) {
		if !strings.HasPrefix(path, "/") {
			path = "/" + path
		}
		if _, _, err := splitKey(key); err != nil {
			return
		}
		st := tableOf(t, key)
		to, values := st.find("GET", path)
		if to != nil && len(values) != len(to.names) {
			t.Errorf("%s: %d values for the names %q", path, len(values), to.names)
		}
	})
}
