// Package topology draws what an application consists of: who calls which function, what the functions
// rest on, and which stack imports from which.
//
//	g, err := topology.Of(app, stacks)
//	text := g.Mermaid()
//	err = g.HTML(w)
package topology

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
)

// Graph is a drawing's content, in the order in which it is drawn.
type Graph struct {
	Title  string
	Groups []Group
	Edges  []Edge
}

// Group is one stack.
type Group struct {
	Name    string
	Nodes   []Node
	Exports []string // the names, as far as the template alone tells
}

// Node is something that is called or used.
type Node struct {
	ID     string // unique in the graph
	Label  string
	Detail string
}

// Edge leads from what calls or uses to what is called or used.
type Edge struct {
	From, To string // nodes' IDs
	Label    string
}

// plumbing are the types that stand between two things and say nothing of their own: what they connect
// is drawn as an edge.
var plumbing = []string{
	"AWS::ApiGateway::", "AWS::ApiGatewayV2::", "AWS::Lambda::Permission", "AWS::Lambda::Url", "AWS::IAM::",
	"AWS::EC2::EIPAssociation", "AWS::CloudFormation::",
}

// Of is the graph of an application and its stacks, the application's own as the last.
func Of(app *ephor.App, stacks []ephor.Stack) (Graph, error) {
	g := Graph{Title: app.Name()}
	for i, s := range stacks {
		group := Group{Name: s.Name, Exports: exports(s)}
		if i == len(stacks)-1 {
			g.callers(app, &group)
		}
		for _, id := range slices.Sorted(maps.Keys(s.Template.Resources)) {
			r := s.Template.Resources[id]
			if !slices.ContainsFunc(plumbing, func(p string) bool { return strings.HasPrefix(r.Type, p) }) {
				group.Nodes = append(group.Nodes, resource(app, s, id, r, i == len(stacks)-1))
			}
		}
		g.Groups = append(g.Groups, group)
	}
	for i, s := range stacks {
		if err := g.uses(s, g.Groups[i], stacks); err != nil {
			return g, err
		}
	}
	return g, nil
}

func nodeID(stack, id string) string { return stack + "." + id }

func resource(app *ephor.App, s ephor.Stack, id string, r cfn.Resource, own bool) Node {
	n := Node{ID: nodeID(s.Name, id), Label: id, Detail: r.Type}
	for _, f := range app.Functions() {
		if own && f.LogicalID() == id {
			n.Label = f.Name
			n.Detail = fmt.Sprintf("function, %d MB, %s", cmp.Or(f.Memory, 128), cmp.Or(f.Timeout, 3*time.Second))
		}
	}
	return n
}

// callers are the routes and the functions' own addresses.
func (g *Graph) callers(app *ephor.App, group *Group) {
	kind := "HTTP API"
	if app.Front().REST {
		kind = "REST API"
	}
	for _, r := range app.Routes() {
		n := Node{ID: nodeID(group.Name, "route "+r.Key()), Label: r.Key(), Detail: kind}
		group.Nodes = append(group.Nodes, n)
		g.Edges = append(g.Edges, Edge{From: n.ID, To: nodeID(group.Name, r.Function.LogicalID())})
	}
	for _, f := range app.Functions() {
		if f.URL != nil {
			n := Node{ID: nodeID(group.Name, "url "+f.Name), Label: f.Name + "'s URL", Detail: "function URL"}
			group.Nodes = append(group.Nodes, n)
			g.Edges = append(g.Edges, Edge{From: n.ID, To: nodeID(group.Name, f.LogicalID())})
		}
	}
}

// uses are the edges from a stack's resources to what they name: others of the stack, and exports of other
// stacks.
func (g *Graph) uses(s ephor.Stack, group Group, stacks []ephor.Stack) error {
	drawn := map[string]bool{}
	for _, group := range g.Groups {
		for _, n := range group.Nodes {
			drawn[n.ID] = true
		}
	}
	add := func(from, to, label string) {
		e := Edge{From: from, To: to, Label: label}
		if from != to && drawn[to] && !slices.Contains(g.Edges, e) {
			g.Edges = append(g.Edges, e)
		}
	}
	for _, n := range group.Nodes {
		id := strings.TrimPrefix(n.ID, s.Name+".")
		r, ok := s.Template.Resources[id]
		if !ok {
			continue // a route
		}
		names, imported, err := cfn.References(s.Name, r.Properties)
		if err != nil {
			return fmt.Errorf("resource %s: %w", id, err)
		}
		for _, name := range names {
			add(n.ID, nodeID(s.Name, name), "")
		}
		for _, name := range imported {
			for _, other := range stacks {
				for _, output := range exporting(other, name) {
					// What the output tells of may be plumbing: then the stack's main thing is used.
					to, _, err := cfn.References(other.Name, output.Value)
					if err != nil {
						return err
					}
					to = slices.DeleteFunc(to, func(id string) bool { return !drawn[nodeID(other.Name, id)] })
					if len(to) > 0 {
						add(n.ID, nodeID(other.Name, to[0]), "imports")
					} else if main, ok := g.main(other.Name); ok {
						add(n.ID, main, "imports")
					}
				}
			}
		}
	}
	return nil
}

// main is the node of a stack that most others of it are there for: an instance or a function, else the
// first.
func (g *Graph) main(stack string) (string, bool) {
	i := slices.IndexFunc(g.Groups, func(group Group) bool { return group.Name == stack })
	if i < 0 || len(g.Groups[i].Nodes) == 0 {
		return "", false
	}
	for _, n := range g.Groups[i].Nodes {
		if n.Detail == "AWS::EC2::Instance" || n.Detail == "AWS::Lambda::Function" {
			return n.ID, true
		}
	}
	return g.Groups[i].Nodes[0].ID, true
}

func exports(s ephor.Stack) (names []string) {
	for _, o := range s.Template.Outputs {
		if o.Export == nil {
			continue
		}
		if name, ok := o.Export.NameIn(s.Name); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// exporting are the outputs that a stack exports under a name: one or none.
func exporting(s ephor.Stack, export string) (found []cfn.Output) {
	for _, o := range s.Template.Outputs {
		if o.Export == nil {
			continue
		}
		if name, ok := o.Export.NameIn(s.Name); ok && name == export {
			found = append(found, o)
		}
	}
	return found
}
