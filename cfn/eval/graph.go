package eval

import (
	"maps"
	"slices"
	"strings"

	"github.com/ephor-io/ephor/cfn/parse"
)

// Graph says which resources of a template need which others.
type Graph struct {
	order []string
	needs map[string][]string
}

// NewGraph finds what each resource needs through Ref, Fn::GetAtt, Fn::Sub and DependsOn.
// Resources whose condition does not hold are left out, as are the branches that Fn::If does not
// take. A cycle is an error.
func NewGraph(t *parse.Template, conditions map[string]bool) (*Graph, error) {
	g := &Graph{needs: map[string][]string{}}
	for id, r := range t.Resources {
		if Holds(r.Condition, conditions) {
			g.needs[id] = nil
		}
	}
	for id := range g.needs {
		needs := map[string]bool{}
		r := t.Resources[id]
		f := &finder{evaluation: evaluation{s: &Scope{Template: t, Conditions: conditions}}}
		f.lost = f.unresolved
		f.found = func(at *place, use Use) error {
			if use.Resource == "" {
				return nil
			}
			if _, there := g.needs[use.Resource]; !there {
				return f.unresolved(at, use.Resource)
			}
			needs[use.Resource] = true
			return nil
		}
		for _, other := range r.DependsOn {
			// AWS lets one depend on a resource that a condition leaves out.
			if _, there := g.needs[other]; there {
				needs[other] = true
			}
		}
		if err := f.names(&place{name: "Resources." + id + ".Properties"}, any(r.Properties)); err != nil {
			return nil, err
		}
		g.needs[id] = slices.Sorted(maps.Keys(needs))
	}
	return g, g.sort(t)
}

// Holds says whether a condition holds; no condition always does.
func Holds(condition string, conditions map[string]bool) bool {
	return condition == "" || conditions[condition]
}

// Order is all resources, each after those that it needs; those that are free to choose are in
// the order of their names.
func (g *Graph) Order() []string { return slices.Clone(g.order) }

// Needs is what a resource needs directly, sorted.
func (g *Graph) Needs(logicalID string) []string { return slices.Clone(g.needs[logicalID]) }

// Has says whether a resource is part of the graph: its condition holds.
func (g *Graph) Has(logicalID string) bool {
	_, ok := g.needs[logicalID]
	return ok
}

// sort orders the graph. What cannot be ordered lies on a cycle or needs one that does.
func (g *Graph) sort(t *parse.Template) error {
	users := map[string][]string{}
	open := make(map[string]int, len(g.needs))
	ready := []string{}
	for _, id := range slices.Sorted(maps.Keys(g.needs)) {
		open[id] = len(g.needs[id])
		if open[id] == 0 {
			ready = append(ready, id)
		}
		for _, need := range g.needs[id] {
			users[need] = append(users[need], id)
		}
	}
	for len(ready) > 0 {
		id := ready[0]
		ready = ready[1:]
		g.order = append(g.order, id)
		delete(open, id)
		for _, user := range users[id] {
			if open[user]--; open[user] == 0 {
				ready = append(ready, user)
			}
		}
	}
	if len(open) == 0 {
		return nil
	}
	// What is left lies on a cycle or needs one. Take away, from its end, what only needs one.
	inUse := map[string]int{}
	var idle []string
	for id := range open {
		for _, user := range users[id] {
			if _, left := open[user]; left {
				inUse[id]++
			}
		}
		if inUse[id] == 0 {
			idle = append(idle, id)
		}
	}
	for ; len(idle) > 0; idle = idle[1:] {
		delete(open, idle[0])
		for _, need := range g.needs[idle[0]] {
			if inUse[need]--; inUse[need] == 0 {
				idle = append(idle, need)
			}
		}
	}
	cycle := slices.Sorted(maps.Keys(open))
	return t.Errorf("Resources."+cycle[0], "Circular dependency between resources: [%s]", strings.Join(cycle, ", "))
}
