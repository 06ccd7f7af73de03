package topology

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestWrap(t *testing.T) {
	t.Parallel()
	f := func(text string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, wrap(text, 12, 2)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
	f("", "")
	f("twelve-chars", "twelve-chars")
	f("GET /orders/{id}", "GET /orders/", "{id}")
	f("rate(10 minutes)", "rate(10", "minutes)")
	f("AWS::SQS::Queue", "AWS::SQS::", "Queue")
	f("OrdersPerCustomer", "OrdersPer", "Customer")
	f("nothingbetterthanthis", "nothingbette", "rthanthis")
	f("aVeryLongNameThatGoesOnAndOn", "aVeryLong", "NameThatGoe…")
	f("Größenwahnsinnige", "Größenwahnsi", "nnige")
}

// Whatever the names and however many the imports, boxes lie in their frames, apart from each other, and nothing
// reaches beyond the drawing, where a browser would cut it off.
func TestNothingIsCutOff(t *testing.T) {
	t.Parallel()
	g := Graph{Title: "S"}
	long := strings.Repeat("VeryLongName", 9)
	for _, name := range []string{"Low", "Lower", "S"} {
		group := Group{Name: name}
		for _, id := range []string{"a", "b", "c"} {
			group.Nodes = append(group.Nodes, Node{ID: name + id, Label: long, Detail: "AWS::SecretsManager::SecretTargetAttachment"}, Node{ID: name + id + "2", Label: "x"})
			g.Edges = append(g.Edges, Edge{From: name + "a", To: name + id + "2", Label: long})
		}
		g.Groups = append(g.Groups, group)
	}
	for range 4 {
		g.Imports = append(g.Imports, Import{From: "S", To: "Low", Names: []string{"n"}}, Import{From: "S", To: "Lower"}, Import{From: "S"})
	}
	d := g.draw()
	if len(d.Imported) != 8 || d.Left-lane*len(d.Imported) < margin {
		t.Errorf("%d imports have %d pixels", len(d.Imported), d.Left)
	}
	frames := map[string]frame{}
	for _, f := range d.Frames {
		frames[f.Name] = f
		if d.Left+f.Width > d.Width || f.Y+f.Height > d.Height {
			t.Errorf("frame %s reaches beyond %d x %d: %+v", f.Name, d.Width, d.Height, f)
		}
	}
	for i, b := range d.Boxes {
		f := frames[strings.TrimRight(b.ID, "abc2")]
		if b.X < d.Left || b.X+boxWidth > d.Left+f.Width || b.Y < f.Y+title || b.Y+b.Height > f.Y+f.Height {
			t.Errorf("%s is not in its frame: %+v", b.ID, b)
		}
		for _, line := range b.Text {
			if line.Y > b.Height || utf8.RuneCountInString(line.Text) > 24 {
				t.Errorf("%s: %+v is not in its box of %d", b.ID, line, b.Height)
			}
		}
		for _, other := range d.Boxes[:i] {
			if b.X == other.X && b.Y < other.Y+other.Height && other.Y < b.Y+b.Height {
				t.Errorf("%s lies on %s", b.ID, other.ID)
			}
		}
	}
}
