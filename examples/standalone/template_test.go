package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/ephor-io/ephor/cfn/parse"
	"github.com/ephor-io/ephor/metrics"
)

// The template parses, and every variable that it sets is one that the publisher reads.
func TestTemplate(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parse.Parse(text); err != nil {
		t.Fatal(err)
	}
	read := map[string]bool{}
	if _, err := metrics.FromEnv(func(name string) string { read[name] = true; return "" }); err != nil {
		t.Fatal(err)
	}
	set := regexp.MustCompile(`(?m)^ +(EPHOR_\w+):`).FindAllStringSubmatch(string(text), -1)
	for _, m := range set {
		if !read[m[1]] {
			t.Errorf("it sets %s, which nothing reads", m[1])
		}
	}
	for name := range read {
		if strings.HasPrefix(name, "EPHOR_STORE_") && !strings.Contains(string(text), " "+name+":") {
			t.Errorf("it does not set %s", name)
		}
	}
	if len(set) < 3 {
		t.Errorf("it sets %q", set)
	}
}
