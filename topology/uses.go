package topology

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
)

// uses are the edges from a stack's resources to what they name, be it an import of another stack's, and
// those of the connections between two of them. stacks are those whose exports are looked for.
func (g *Graph) uses(s ephor.Stack, group *Group, stacks []ephor.Stack) error {
	link := func(from, to, label string) {
		e := Edge{From: from, To: to, Label: label}
		if from != to && g.has(from) && g.has(to) && !slices.Contains(g.Edges, e) {
			g.Edges = append(g.Edges, e)
		}
	}
	add := func(from, to, label string) { link(nodeID(s.Name, from), nodeID(s.Name, to), label) }
	for _, id := range slices.Sorted(maps.Keys(s.Template.Resources)) {
		r := s.Template.Resources[id]
		from, to, label := connection(r)
		if from != nil {
			sources, _, err := cfn.References(s.Name, from)
			if err != nil {
				return fmt.Errorf("resource %s: %w", id, err)
			}
			targets, _, err := cfn.References(s.Name, to)
			if err != nil {
				return fmt.Errorf("resource %s: %w", id, err)
			}
			if len(sources) == 0 { // it is in no stack of these
				group.Nodes = append(group.Nodes, Node{ID: nodeID(s.Name, id), Label: text(from), Detail: "from outside"})
				sources = []string{id}
			}
			for _, source := range sources {
				for _, target := range targets {
					add(source, target, label)
				}
			}
			continue
		}
		names, imports, err := cfn.References(s.Name, r.Properties)
		if err != nil {
			return fmt.Errorf("resource %s: %w", id, err)
		}
		for _, name := range append(names, named(s, r)...) {
			add(id, name, verb(r, s.Template.Resources[name]))
		}
		for _, name := range imports {
			if of, exported, ok := exporter(stacks, name); ok {
				link(nodeID(s.Name, id), nodeID(of.Name, exported), verb(r, of.Template.Resources[exported]))
			}
		}
	}
	return nil
}

func (g *Graph) has(id string) bool {
	return slices.ContainsFunc(g.Groups, func(group Group) bool {
		return slices.ContainsFunc(group.Nodes, func(n Node) bool { return n.ID == id })
	})
}

// exporter is the resource that an export is, by its Ref or an attribute of it. A text that is made of several
// is none.
func exporter(stacks []ephor.Stack, name string) (of ephor.Stack, id string, ok bool) {
	for _, s := range stacks {
		for _, o := range s.Template.Outputs {
			if o.Export == nil {
				continue
			}
			if is, known := o.Export.NameIn(s.Name); !known || is != name {
				continue
			}
			value, _ := o.Value.(map[string]any)
			ids, _, err := cfn.References(s.Name, o.Value)
			if err != nil || len(ids) != 1 || value["Ref"] == nil && value["Fn::GetAtt"] == nil {
				return s, "", false
			}
			return s, ids[0], true
		}
	}
	return of, "", false
}

// connection is what a resource that stands between two others leads from and to.
func connection(r cfn.Resource) (from, to any, label string) {
	switch r.Type {
	case "AWS::Lambda::EventSourceMapping":
		if n, ok := r.Properties["BatchSize"]; ok {
			label = fmt.Sprintf("up to %v at once", n)
		}
		if _, filtered := r.Properties["FilterCriteria"]; filtered {
			label += ", filtered"
		}
		return r.Properties["EventSourceArn"], r.Properties["FunctionName"], strings.TrimPrefix(label, ", ")
	case "AWS::SNS::Subscription":
		return r.Properties["TopicArn"], r.Properties["Endpoint"], "subscribed"
	}
	return nil, nil, ""
}

// named are the buckets that a resource's variables name as the bucket itself is named: by a text, and not by
// its logical ID, which would make a circle where the bucket names the function.
func named(s ephor.Stack, r cfn.Resource) (ids []string) {
	environment, _ := r.Properties["Environment"].(map[string]any)
	variables, _ := environment["Variables"].(map[string]any)
	for _, id := range slices.Sorted(maps.Keys(s.Template.Resources)) {
		name, ok := s.Template.Resources[id].Properties["BucketName"]
		if !ok {
			continue
		}
		for _, value := range variables {
			if reflect.DeepEqual(value, name) {
				ids = append(ids, id)
				break
			}
		}
	}
	return ids
}

// verb is what one resource does with another, where its type says so.
func verb(from, to cfn.Resource) string {
	switch {
	case from.Type == "AWS::SQS::Queue" && to.Type == "AWS::SQS::Queue":
		return "dead letters"
	case from.Type == "AWS::S3::Bucket" && to.Type == "AWS::Lambda::Function":
		return "objects"
	}
	return ""
}

// imports adds what a stack takes from others.
func (g *Graph) imports(s ephor.Stack, stacks []ephor.Stack) error {
	_, names, err := cfn.References(s.Name, []any{s.Template.Resources, s.Template.Outputs, s.Template.Conditions})
	if err != nil {
		return err
	}
	by := map[string][]string{}
	for _, name := range names {
		from := ""
		for _, other := range stacks {
			if slices.Contains(exports(other), name) {
				from = other.Name
			}
		}
		by[from] = append(by[from], name)
	}
	for _, from := range slices.Sorted(maps.Keys(by)) {
		g.Imports = append(g.Imports, Import{From: s.Name, To: from, Names: by[from]})
	}
	return nil
}
