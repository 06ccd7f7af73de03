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
	"github.com/ephor-io/ephor/iam"
)

// shop has a route, a URL, a schedule, queues and a bucket that call functions, and a stack below it.
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
	pictures := cfn.Sub("shop-${AWS::AccountId}")
	own := ephor.Stack{Name: "Shop", Template: cfn.Template{Resources: map[string]cfn.Resource{
		"OrdersFunction": {Type: "AWS::Lambda::Function", Properties: map[string]any{
			"Role": cfn.GetAtt("Role", "Arn"), "Environment": map[string]any{"Variables": map[string]any{"Queue": cfn.Ref("Queue"), "Pictures": pictures}}}},
		"Pictures": {Type: "AWS::S3::Bucket", Properties: map[string]any{"BucketName": pictures, "NotificationConfiguration": cfn.GetAtt("OrdersFunction", "Arn")}},
		"Queue":    {Type: "AWS::SQS::Queue", Properties: map[string]any{"RedrivePolicy": cfn.GetAtt("Failed", "Arn")}},
		"Failed":   {Type: "AWS::SQS::Queue"},
		"FromQueue": {Type: "AWS::Lambda::EventSourceMapping", Properties: map[string]any{
			"EventSourceArn": cfn.GetAtt("Queue", "Arn"), "FunctionName": cfn.Ref("OrdersFunction"), "BatchSize": 10, "FilterCriteria": map[string]any{}}},
		"FromElsewhere": {Type: "AWS::Lambda::EventSourceMapping", Properties: map[string]any{
			"EventSourceArn": "arn:aws:sqs:eu-central-1:123456789012:theirs", "FunctionName": cfn.Ref("OrdersFunction")}},
		"Schedule1a2b": {Type: "AWS::Scheduler::Schedule", Properties: map[string]any{
			"ScheduleExpression": "cron(0 8 * * ? *)", "ScheduleExpressionTimezone": "Europe/Berlin", "Target": cfn.GetAtt("OrdersFunction", "Arn")}},
		"Role": {Type: "AWS::IAM::Role", Properties: map[string]any{"Policies": []any{map[string]any{"PolicyDocument": map[string]any{"Statement": []iam.Statement{
			iam.Allow("sqs:SendMessage").On(cfn.GetAtt("Queue", "Arn")),
			iam.Deny("s3:DeleteObject").On(cfn.Join("", cfn.ImportValue("Data-Files"), "/*"), cfn.ImportValue("Theirs")),
		}}}}}},
	}}}
	g, err := Of(app, []ephor.Stack{lower, own})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestPermissionsAndImports(t *testing.T) {
	t.Parallel()
	g := shop(t)
	permissions := []Permission{
		{Function: "Orders", Effect: "Allow", Actions: []string{"sqs:SendMessage"}, On: []string{"Queue"}},
		{Function: "Orders", Effect: "Deny", Actions: []string{"s3:DeleteObject"}, On: []string{"Data-Files/*", "Theirs"}},
	}
	if diff := cmp.Diff(permissions, g.Groups[1].Permissions); diff != "" {
		t.Errorf("permissions (-want +got):\n%s", diff)
	}
	imports := []Import{{From: "Shop", Names: []string{"Theirs"}}, {From: "Shop", To: "Data", Names: []string{"Data-Files"}}}
	if diff := cmp.Diff(imports, g.Imports); diff != "" {
		t.Errorf("imports (-want +got):\n%s", diff)
	}
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
    n3["Failed<br/>AWS::SQS::Queue"]
    n4["Orders<br/>function, 512 MB, 30s"]
    n5["Pictures<br/>AWS::S3::Bucket"]
    n6["Queue<br/>AWS::SQS::Queue"]
    n7["cron(0 8 * * ? *)<br/>schedule, Europe/Berlin"]
    n8["arn:aws:sqs:eu-central-1:123456789012:theirs<br/>from outside"]
  end
  s1 -.->|"imports"| s0
  n1 --> n4
  n2 --> n4
  n8 --> n4
  n6 -->|"up to 10 at once, filtered"| n4
  n4 --> n6
  n4 --> n5
  n5 -->|"objects"| n4
  n6 -->|"dead letters"| n3
  n7 --> n4
`
	if diff := cmp.Diff(want, shop(t).Mermaid()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := quoted(`a "b" <c> #d`); got != "a #quot;b#quot; #lt;c#gt; #35;d" {
		t.Errorf("quoted: %s", got)
	}
}

// What a function imports is drawn as what it is in the other stack; a text made of more, and what the monitoring stack gives
// to every function, is not.
func TestAnImportLeadsToItsResource(t *testing.T) {
	t.Parallel()
	app := ephor.New("Shop")
	app.Monitor(ephor.Grafana{Stack: "Watch"})
	app.Function("Ship", func() error { return nil })
	queue := func(stack string) ephor.Stack {
		return ephor.Stack{Name: stack, Template: cfn.Template{
			Resources: map[string]cfn.Resource{"Queue": {Type: "AWS::SQS::Queue"}},
			Outputs: map[string]cfn.Output{
				"Url":  {Value: cfn.Ref("Queue"), Export: &cfn.Export{Name: cfn.Sub("${AWS::StackName}-Url")}},
				"Text": {Value: cfn.Join("", cfn.Ref("Queue"), "/x"), Export: &cfn.Export{Name: stack + "-Text"}},
			},
		}}
	}
	ship := func(imports ...string) ephor.Stack {
		variables := map[string]any{}
		for _, i := range imports {
			variables[i] = cfn.ImportValue(i)
		}
		return ephor.Stack{Name: "Shop", Template: cfn.Template{Resources: map[string]cfn.Resource{
			"ShipFunction": {Type: "AWS::Lambda::Function", Properties: map[string]any{"Environment": map[string]any{"Variables": variables}}}}}}
	}
	f := func(want []Edge, imports ...string) {
		t.Helper()
		g, err := Of(app, []ephor.Stack{queue("Watch"), queue("Warehouse"), ship(imports...)})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, g.Edges); diff != "" {
			t.Errorf("%q (-want +got):\n%s", imports, diff)
		}
		if err := g.HTML(io.Discard); err != nil {
			t.Error(err)
		}
	}
	f([]Edge{{From: "Shop.ShipFunction", To: "Warehouse.Queue"}}, "Warehouse-Url", "Watch-Url", "Nobody-Url")
	f(nil, "Warehouse-Text")
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
	if boxes != 9 {
		t.Errorf("%d boxes, want 9", boxes)
	}
}

// A circle, as of two functions that call each other, still has a place for everything.
func TestCircle(t *testing.T) {
	t.Parallel()
	g := Graph{Groups: []Group{{Name: "S", Nodes: []Node{{ID: "a"}, {ID: "b"}, {ID: "c"}}}},
		Edges: []Edge{{From: "a", To: "b"}, {From: "b", To: "a"}, {From: "b", To: "c"}}}
	if diff := cmp.Diff(map[string]int{"b": 1, "c": 2}, g.columns()); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	seen := map[[2]int]bool{}
	for _, b := range g.draw().Boxes {
		if seen[[2]int{b.X, b.Y}] {
			t.Errorf("%s lies on another", b.ID)
		}
		seen[[2]int{b.X, b.Y}] = true
	}
}
