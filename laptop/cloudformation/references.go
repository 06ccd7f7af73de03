package cloudformation

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// present are a stack's resources as they are now, for the functions of its template.
type present struct {
	s  *Service
	st *stack
}

func (p present) find(id string) (*made, error) {
	r := p.st.resources[id]
	if r == nil || r.Now == nil {
		return nil, fmt.Errorf("resource %s is not there", id)
	}
	return r.Now, nil
}

// Ref is what Ref gives.
func (p present) Ref(id string) (any, error) {
	p.s.mu.RLock()
	defer p.s.mu.RUnlock()
	m, err := p.find(id)
	if err != nil {
		return nil, err
	}
	return m.Ref, nil
}

// Attribute is what Fn::GetAtt gives.
func (p present) Attribute(id, name string) (any, error) {
	p.s.mu.RLock()
	defer p.s.mu.RUnlock()
	m, err := p.find(id)
	if err != nil {
		return nil, err
	}
	return m.attribute(id, name)
}

// attribute finds an attribute by its name or, nested, by the path that the name is.
func (m *made) attribute(id, name string) (any, error) {
	if v, ok := m.Attributes[name]; ok {
		return v, nil
	}
	var at any = map[string]any(m.Attributes)
	for part := range strings.SplitSeq(name, ".") {
		object, _ := at.(map[string]any)
		next, ok := object[part]
		if !ok {
			return nil, wordsf("Template error: resource %s does not support attribute type %s in Fn::GetAtt", id, name)
		}
		at = next
	}
	return at, nil
}

// imports are the exports of all stacks, for Fn::ImportValue.
type imports struct{ s *Service }

// Import is what Fn::ImportValue gives.
func (i imports) Import(name string) (any, bool) {
	i.s.mu.RLock()
	defer i.s.mu.RUnlock()
	_, out := i.s.exporter(name)
	if out == nil {
		return nil, false
	}
	return out.Value, true
}
