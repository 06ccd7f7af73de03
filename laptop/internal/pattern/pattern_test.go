package pattern

import (
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	f := func(pattern, event string, want bool) {
		t.Helper()
		p, err := Parse(pattern)
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			return
		}
		if got, err := p.MatchJSON([]byte(event)); err != nil || got != want {
			t.Errorf("%s of %s: %v, %v", pattern, event, got, err)
		}
	}
	f(`{"a": ["x", "y"]}`, `{"a": "y", "b": 1}`, true)
	f(`{"a": ["x"]}`, `{"a": "y"}`, false)
	f(`{"a": ["x"]}`, `{}`, false)
	f(`{"a": ["x"], "b": [1]}`, `{"a": "x", "b": 2}`, false)
	f(`{"a": [""]}`, `{"a": ""}`, true)
	f(`{"a": [null]}`, `{"a": null}`, true)
	f(`{"a": [null]}`, `{}`, false)
	f(`{"a": [true]}`, `{"a": true}`, true)
	f(`{"a": {"b": ["x"]}}`, `{"a": {"b": "x"}}`, true)
	f(`{"a": {"b": ["x"]}}`, `{"a": "x"}`, false)
	f(`{"a": ["x"]}`, `{"a": ["w", "x"]}`, true)
	f(`{"a": {"b": ["x"]}}`, `{"a": [{"b": "w"}, {"b": "x"}]}`, true)
	f(`{"a": [{"prefix": "x"}]}`, `{"a": "xyz"}`, true)
	f(`{"a": [{"prefix": {"equals-ignore-case": "X"}}]}`, `{"a": "xyz"}`, true)
	f(`{"a": [{"suffix": ".png"}]}`, `{"a": "b.png"}`, true)
	f(`{"a": [{"suffix": ".png"}]}`, `{"a": 7}`, false)
	f(`{"a": [{"equals-ignore-case": "ALICE"}]}`, `{"a": "Alice"}`, true)
	f(`{"a": [{"exists": true}]}`, `{"a": null}`, true)
	f(`{"a": [{"exists": true}]}`, `{"a": {"b": 1}}`, false)
	f(`{"a": [{"exists": false}]}`, `{"b": 1}`, true)
	f(`{"a": {"b": [{"exists": false}]}}`, `{"c": 1}`, true)
	f(`{"a": [{"exists": true}]}`, `{"a": []}`, false)
	f(`{"a": [{"numeric": [">", 5, "<=", 10]}]}`, `{"a": 10}`, true)
	f(`{"a": [{"numeric": [">", 5, "<=", 10]}]}`, `{"a": 5}`, false)
	f(`{"a": [{"numeric": ["=", 3.0e2]}]}`, `{"a": 300}`, true)
	f(`{"a": [{"numeric": ["=", 3]}]}`, `{"a": "3"}`, false)
	f(`{"a": [{"anything-but": "x"}]}`, `{"a": "y"}`, true)
	f(`{"a": [{"anything-but": "x"}]}`, `{}`, false)
	f(`{"a": [{"anything-but": ["x", 1]}]}`, `{"a": 1}`, false)
	f(`{"a": [{"anything-but": {"prefix": "us-"}}]}`, `{"a": "eu-1"}`, true)
	f(`{"a": [{"anything-but": {"wildcard": ["*/lib/*"]}}]}`, `{"a": "/usr/lib/x"}`, false)
	f(`{"a": [{"wildcard": "dir/*.png"}]}`, `{"a": "dir/a/b.png"}`, true)
	f(`{"a": [{"wildcard": "dir/*.png"}]}`, `{"a": "dir/a/b.jpg"}`, false)
	f(`{"a": [{"wildcard": "a\\*b"}]}`, `{"a": "a*b"}`, true)
	f(`{"a": [{"wildcard": "a\\*b"}]}`, `{"a": "axb"}`, false)
	f(`{"a": [{"wildcard": "aa*aa"}]}`, `{"a": "aaa"}`, false)
	f(`{"a": [{"cidr": "10.0.0.0/24"}]}`, `{"a": "10.0.0.7"}`, true)
	f(`{"a": [{"cidr": "10.0.0.0/24"}]}`, `{"a": "10.0.1.7"}`, false)
	f(`{"$or": [{"a": ["x"]}, {"b": [{"numeric": [">", 1]}]}], "c": [1]}`, `{"b": 2, "c": 1}`, true)
	f(`{"$or": [{"a": ["x"]}, {"b": [{"numeric": [">", 1]}]}], "c": [1]}`, `{"b": 0, "c": 1}`, false)
	if p, err := Parse(`{"$or": [{"a": ["x"]}, {"b": [1]}], "c": [1]}`); err != nil || strings.Join(p.Keys(), " ") != "a b c" {
		t.Errorf("keys of %v, %v", p, err)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	f := func(pattern, want string) {
		t.Helper()
		if _, err := Parse(pattern); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", pattern, err, want)
		}
	}
	f(`{`, "not JSON")
	f(`[]`, "JSON object")
	f(`{}`, "empty object")
	f(`{"a": "x"}`, "a: x stands where")
	f(`{"a": {"b": []}}`, "a.b: an empty list")
	f(`{"a": [["x"]]}`, "a list in a list")
	f(`{"a": [{"like": "x"}]}`, "like: there is no such operator")
	f(`{"a": [{"exists": "yes"}]}`, "true or false")
	f(`{"a": [{"numeric": [">", "5"]}]}`, "no number")
	f(`{"a": [{"numeric": ["<", 5, ">", 1]}]}`, "lower end")
	f(`{"a": [{"wildcard": "a**"}]}`, "two stars")
	f(`{"a": [{"anything-but": true}]}`, "not true")
	f(`{"a": [{"anything-but": {"cidr": "10.0.0.0/8"}}]}`, "it takes prefix")
	f(`{"a": [{"prefix": "x", "suffix": "y"}]}`, "one name, not 2")
}

func FuzzParse(f *testing.F) {
	f.Add(`{"a": [{"wildcard": "a*b\\*"}, {"anything-but": ["x"]}]}`, `{"a": "ab"}`)
	f.Add(`{"$or": [{"a": {"b": [null]}}]}`, `{"a": [{"b": null}]}`)
	f.Fuzz(func(t *testing.T, pattern, event string) {
		p, err := Parse(pattern)
		if err != nil {
			return
		}
		first, err := p.MatchJSON([]byte(event))
		if err != nil {
			return
		}
		if again, _ := p.MatchJSON([]byte(event)); again != first {
			t.Errorf("%s of %s is %v, then %v", pattern, event, first, again)
		}
	})
}
