package cloudformation

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// form is a request of the query protocol, or one member of a list in it.
//
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
type form struct {
	values url.Values
	prefix string
}

func (f form) get(name string) string { return f.values.Get(f.prefix + name) }

func (f form) has(name string) bool { return f.values.Has(f.prefix + name) }

func (f form) bool(name string) bool { return f.get(name) == "true" }

// list are the members of a list, in order.
func (f form) list(name string) []form {
	prefix := f.prefix + name + ".member."
	seen := map[int]bool{}
	for key := range f.values {
		if rest, ok := strings.CutPrefix(key, prefix); ok {
			number, _, _ := strings.Cut(rest, ".")
			if n, err := strconv.Atoi(number); err == nil {
				seen[n] = true
			}
		}
	}
	var members []form
	for _, n := range slices.Sorted(maps.Keys(seen)) {
		members = append(members, form{values: f.values, prefix: prefix + strconv.Itoa(n) + "."})
	}
	return members
}

// strings are the members of a list of strings.
func (f form) strings(name string) []string {
	var out []string
	for _, member := range f.list(name) {
		out = append(out, f.values.Get(strings.TrimSuffix(member.prefix, ".")))
	}
	return out
}
