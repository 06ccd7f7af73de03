package topology

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ephor-io/ephor"
)

// TestOwnStore: the store of an application is drawn, though no template has it, with all functions publishing to it.
func TestOwnStore(t *testing.T) {
	t.Parallel()
	app := ephor.New("Shop")
	app.Function("Orders", func() error { return nil })
	app.Function("Stock", func() error { return nil })
	f := func(s ephor.Store, want string) {
		t.Helper()
		app.Monitor(s)
		g, err := Of(app, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(g.Groups) != 1 || len(g.Groups[0].Nodes) != 1 || len(g.Edges) != 2 {
			t.Fatalf("%+v", g)
		}
		n := g.Groups[0].Nodes[0]
		if got := n.Label + ": " + n.Detail; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		var page bytes.Buffer
		if err := g.HTML(&page); err != nil || !strings.Contains(page.String(), n.Label) {
			t.Errorf("%v: the page does not have the store", err)
		}
	}
	f(ephor.Store{URL: "https://store.example.com:8086/influx"}, "store.example.com:8086: store, database ephor")
	f(ephor.Store{URL: "https://store.example.com", Organization: "o", Bucket: "b"}, "store.example.com: store, bucket b")
}
