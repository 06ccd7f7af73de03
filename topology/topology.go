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
	Title   string
	Groups  []Group
	Edges   []Edge
	Imports []Import
}

// Group is one stack.
type Group struct {
	Name        string
	Nodes       []Node
	Exports     []string // the names, as far as the template alone tells
	Permissions []Permission
}

// Import is what one stack takes from another, by the exports' names.
type Import struct {
	From  string // the stack that imports
	To    string // the one that exports; "" if it is none of the graph's
	Names []string
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
// is drawn as an edge, and roles are told as permissions.
var plumbing = []string{
	"AWS::ApiGateway::", "AWS::ApiGatewayV2::", "AWS::Lambda::Permission", "AWS::Lambda::Url", "AWS::IAM::",
	"AWS::Lambda::EventSourceMapping", "AWS::SNS::Subscription", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy", "AWS::S3::BucketPolicy",
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
	// What every function takes from the monitoring stack says nothing of one: the import alone is drawn.
	monitoring, monitored := app.Monitoring()
	telling := slices.DeleteFunc(slices.Clone(stacks), func(s ephor.Stack) bool { return monitored && s.Name == monitoring.Stack })
	for i, s := range stacks {
		if err := g.uses(s, &g.Groups[i], telling); err != nil {
			return g, err
		}
		if err := g.imports(s, stacks); err != nil {
			return g, err
		}
		var err error
		if g.Groups[i].Permissions, err = permissions(app, s); err != nil {
			return g, err
		}
	}
	if own, ok := app.Store(); ok {
		g.store(app, own)
	}
	return g, nil
}

func nodeID(stack, id string) string { return stack + "." + id }

func resource(app *ephor.App, s ephor.Stack, id string, r cfn.Resource, own bool) Node {
	n := Node{ID: nodeID(s.Name, id), Label: id, Detail: r.Type}
	if when, ok := r.Properties["ScheduleExpression"].(string); ok { // an ID with a hash says nothing
		n.Label, n.Detail = when, "schedule"
		if zone, ok := r.Properties["ScheduleExpressionTimezone"].(string); ok && zone != "UTC" {
			n.Detail += ", " + zone
		}
	}
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

// ImportsOf are the imports of one stack.
func (g Graph) ImportsOf(stack string) (all []Import) {
	for _, i := range g.Imports {
		if i.From == stack {
			all = append(all, i)
		}
	}
	return all
}
