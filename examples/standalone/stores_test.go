package main

import (
	"net/http"
	"os"
	"testing"

	"github.com/ephor-io/ephor/cfn/eval"
	"github.com/ephor-io/ephor/cfn/parse"
	"github.com/ephor-io/ephor/metrics"
)

// roundTrips is a store: a function that answers.
type roundTrips func(*http.Request) (*http.Response, error)

func (f roundTrips) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// For each kind of store the template's parameters make a configuration with which the publisher writes to where
// that kind has its API.
func TestTheTemplatesStores(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	template, err := parse.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	f := func(more map[string]string, want, ca string) {
		t.Helper()
		given := map[string]string{"CodeBucket": "b", "StoreURL": "http://s:8086", "StoreSecret": "n"}
		for name, value := range more {
			given[name] = value
		}
		s := &eval.Scope{Template: template}
		if s.Parameters, err = eval.Parameters(t.Context(), template, given, nil); err != nil {
			t.Fatal(err)
		}
		if s.Conditions, err = eval.Conditions(s); err != nil {
			t.Fatal(err)
		}
		v, err := s.Value("Environment", template.Resources["Orders"].Properties["Environment"])
		if err != nil {
			t.Fatal(err)
		}
		variables := v.(map[string]any)["Variables"].(map[string]any)
		c, err := metrics.FromEnv(func(name string) string { value, _ := variables[name].(string); return value })
		if err != nil || c.CA != ca || c.Token != "{{resolve:secretsmanager:n}}" {
			t.Errorf("%v: %+v, %v", more, c, err)
		}
		var got string
		c.Set, c.CA = new(metrics.Set), ""
		c.Transport = roundTrips(func(r *http.Request) (*http.Response, error) {
			got = r.URL.String()
			return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody}, nil
		})
		p, err := metrics.Open(c)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Close(t.Context()); err != nil || got != want {
			t.Errorf("%v: written to %s, want %s (%v)", more, got, want, err)
		}
	}
	f(nil, "http://s:8086/write?db=ephor&precision=ns", "system")
	f(map[string]string{"StoreDatabase": "d", "StoreCA": "QUJD"}, "http://s:8086/write?db=d&precision=ns", "QUJD")
	f(map[string]string{"StoreBucket": "b"}, "http://s:8086/api/v2/write?bucket=b&precision=ns", "system")
	f(map[string]string{"StoreBucket": "b", "StoreOrganization": "o"}, "http://s:8086/api/v2/write?bucket=b&org=o&precision=ns", "system")
}
