package parse

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Position is a place in a template's text, counted from 1 as editors count: columns in
// characters for YAML, in bytes for JSON.
type Position struct {
	Line, Column int
}

// node is a value with its place. One of object, list and scalar is set.
type node struct {
	pos    Position
	object map[string]*node
	list   []*node
	isList bool
	scalar any // string, bool, json.Number, or nil for null
}

func (n *node) value() any {
	switch {
	case n.object != nil:
		m := make(map[string]any, len(n.object))
		for k, c := range n.object {
			m[k] = c.value()
		}
		return m
	case n.isList:
		l := make([]any, len(n.list))
		for i, c := range n.list {
			l[i] = c.value()
		}
		return l
	}
	return n.scalar
}

// Text is a scalar of a template, a string, json.Number or bool, as a string: CloudFormation takes 5
// and true where it wants one. ok is false for anything else.
func Text(v any) (s string, ok bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// keys are an object's, sorted, so that the first error is always the same.
func (n *node) keys() []string { return slices.Sorted(maps.Keys(n.object)) }

// Position is where the value at path stands, or the nearest one around it that is known. A path
// is written with dots and indices, as errors write it: Resources.Api.Properties.Tags[0].Key.
func (t *Template) Position(path string) (Position, bool) {
	if t == nil || t.root == nil {
		return Position{}, false
	}
	n := t.root
	for path != "" {
		next, rest := n.step(path)
		if next == nil {
			break
		}
		n, path = next, rest
	}
	return n.pos, path == ""
}

// step goes down by the first part of path. Keys may hold dots themselves, so the longest that
// fits is taken.
func (n *node) step(path string) (*node, string) {
	if n.isList {
		end := strings.IndexByte(path, ']')
		if path[0] != '[' || end < 0 {
			return nil, path
		}
		i, err := strconv.Atoi(path[1:end])
		if err != nil || i < 0 || i >= len(n.list) {
			return nil, path
		}
		return n.list[i], strings.TrimPrefix(path[end+1:], ".")
	}
	best := ""
	for key := range n.object {
		rest, ok := strings.CutPrefix(path, key)
		if ok && len(key) > len(best) && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			best = key
		}
	}
	if best == "" {
		return nil, path
	}
	return n.object[best], strings.TrimPrefix(path[len(best):], ".")
}
