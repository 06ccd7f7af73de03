package topology

import (
	"net/url"

	"github.com/ephor-io/ephor"
)

// elsewhere is the group of what no stack of the application has.
const elsewhere = "elsewhere"

// store draws the application's own store, to which all its functions publish. It is in no template.
func (g *Graph) store(app *ephor.App, s ephor.Store) {
	n := Node{ID: nodeID(elsewhere, "store"), Label: s.URL, Detail: "store, database " + s.Database}
	if u, err := url.Parse(s.URL); err == nil && u.Host != "" {
		n.Label = u.Host
	}
	if s.Bucket != "" {
		n.Detail = "store, bucket " + s.Bucket
	}
	g.Groups = append(g.Groups, Group{Name: elsewhere, Nodes: []Node{n}})
	for _, f := range app.Functions() {
		g.Edges = append(g.Edges, Edge{From: nodeID(app.Name(), f.LogicalID()), To: n.ID, Label: "metrics"})
	}
}
