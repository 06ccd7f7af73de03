package topology

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
)

// shop has a route, a URL, a queue that a hook has added, and a stack below it.
func shop(t *testing.T) Graph {
	t.Helper()
	app := ephor.New("Shop")
	orders := app.Function("Orders", func() error { return nil })
	orders.Memory, orders.Timeout, orders.URL = 512, 30*time.Second, &ephor.URL{}
	app.Post("/orders/{id}", orders)
	lower := ephor.Stack{Name: "Data", Template: cfn.Template{
		Resources: map[string]cfn.Resource{"Files": {Type: "AWS::S3::Bucket"}, "Role": {Type: "AWS::IAM::Role"}},
		Outputs:   map[string]cfn.Output{"Files": {Value: cfn.Ref("Files"), Export: &cfn.Export{Name: cfn.Sub("${AWS::StackName}-Files")}}},
	}}
	own := ephor.Stack{Name: "Shop", Template: cfn.Template{Resources: map[string]cfn.Resource{
		"OrdersFunction": {Type: "AWS::Lambda::Function", Properties: map[string]any{
			"Role": cfn.GetAtt("Role", "Arn"), "Environment": map[string]any{"Queue": cfn.Ref("Queue"), "Files": cfn.ImportValue("Data-Files")}}},
		"Queue": {Type: "AWS::SQS::Queue"},
		"Role":  {Type: "AWS::IAM::Role"},
	}}}
	g, err := Of(app, []ephor.Stack{lower, own})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestMermaid(t *testing.T) {
	t.Parallel()
	want := `flowchart LR
  subgraph s0["Data"]
    n0["Files<br/>AWS::S3::Bucket"]
  end
  subgraph s1["Shop"]
    n1["POST /orders/{id}<br/>HTTP API"]
    n2["Orders's URL<br/>function URL"]
    n3["Orders<br/>function, 512 MB, 30s"]
    n4["Queue<br/>AWS::SQS::Queue"]
  end
  n1 --> n3
  n2 --> n3
  n3 --> n4
  n3 -->|"imports"| n0
`
	if diff := cmp.Diff(want, shop(t).Mermaid()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := quoted(`a "b" <c> #d`); got != "a #quot;b#quot; #lt;c#gt; #35;d" {
		t.Errorf("quoted: %s", got)
	}
}

// The page is well-formed, shows every node, and nothing that a name holds becomes markup.
func TestHTML(t *testing.T) {
	t.Parallel()
	g := shop(t)
	g.Groups[0].Nodes[0].Label = `<script>alert("x")</script>`
	var page bytes.Buffer
	if err := g.HTML(&page); err != nil {
		t.Fatal(err)
	}
	text := page.String()
	for _, group := range g.Groups {
		for _, n := range group.Nodes[1:] {
			if !strings.Contains(text, strings.ReplaceAll(n.Label, "'", "&#39;")) {
				t.Errorf("the page does not show %s", n.Label)
			}
		}
	}
	if strings.Contains(text, "<script") || strings.Contains(text, "http") {
		t.Error("the page has a script, or needs the network")
	}
	_, svg, _ := strings.Cut(text, `<div class="drawing">`)
	svg, _, _ = strings.Cut(svg, "</div>")
	boxes := 0
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the drawing: %v", err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "g" {
			boxes++
		}
	}
	if boxes != 5 {
		t.Errorf("%d boxes, want 5", boxes)
	}
}

// A circle, as of two functions that call each other, still has a place for everything.
func TestCircle(t *testing.T) {
	t.Parallel()
	g := Graph{Groups: []Group{{Name: "S", Nodes: []Node{{ID: "a"}, {ID: "b"}, {ID: "c"}}}},
		Edges: []Edge{{From: "a", To: "b"}, {From: "b", To: "a"}, {From: "b", To: "c"}}}
	seen := map[[2]int]bool{}
	for _, b := range g.draw().Boxes {
		if seen[[2]int{b.X, b.Y}] {
			t.Errorf("%s lies on another", b.ID)
		}
		seen[[2]int{b.X, b.Y}] = true
	}
}
