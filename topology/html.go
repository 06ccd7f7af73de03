package topology

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"unicode/utf8"
)

//go:embed page.html
var page string

// The measures of the drawing, in pixels of its natural size.
const (
	boxWidth      = 160
	columnGap     = 44 // more where a label stands
	rowGap        = 14
	lane          = 22 // of an import
	margin, title = 16, 26
)

type box struct {
	Node
	X, Y, Height int
	Text         []textLine
}

// A textLine's Y is that of its foot in the box.
type textLine struct {
	Text string
	Y    int
	Pale bool
}

type frame struct {
	Group
	Y, Width, Height int
}

type line struct {
	Path, Label string
	X, Y        int // of the label's middle
}

type drawing struct {
	Graph
	// Width and Height are the natural size. The page shrinks it to its own width, but not below Least.
	Width, Height, Least int
	Left                 int // of the frames; the imports are left of them
	Frames               []frame
	Boxes                []box
	Lines                []line
	Imported             []line
}

// HTML writes the graph as a page of its own, which needs no network and no script.
func (g Graph) HTML(w io.Writer) error {
	t, err := template.New("page").Parse(page)
	if err != nil {
		return fmt.Errorf("reading the page's template: %w", err)
	}
	if err := t.Execute(w, g.draw()); err != nil {
		return fmt.Errorf("writing the page of %s: %w", g.Title, err)
	}
	return nil
}

// BoxWidth is that of every box.
func (d drawing) BoxWidth() int { return boxWidth }

// draw puts each stack into a frame of its own, the application's on top, and each node into the column
// behind those that lead to it:
//
//	    +-- Shop ------------------------+
//	+---| GET /orders --> Orders --> ... |
//	|   +--------------------------------+
//	|   +-- Shop-Monitoring ---- ... ----+
//	+-->| ...                            |
func (g Graph) draw() drawing {
	d := drawing{Graph: g}
	column := g.columns()
	for _, i := range g.Imports {
		if i.To != "" {
			d.Left += lane
		}
	}
	d.Left += margin
	x, width := g.across(column)
	at := map[string]box{}
	y := margin
	for i := len(g.Groups) - 1; i >= 0; i-- {
		used, most := map[int]int{}, 0
		for _, n := range g.untangled(g.Groups[i].Nodes, column) {
			c := column[n.ID]
			b := newBox(n)
			b.X, b.Y = d.Left+margin+x[c], y+title+used[c]
			used[c] += b.Height + rowGap
			most = max(most, used[c])
			at[n.ID] = b
			d.Boxes = append(d.Boxes, b)
		}
		f := frame{Group: g.Groups[i], Y: y, Width: width + 2*margin, Height: title + most + margin}
		d.Frames = append(d.Frames, f)
		y += f.Height + margin
	}
	d.Width, d.Height = d.Left+width+3*margin, y
	d.Least = d.Width * 5 / 8
	d.drawImports()
	for _, e := range g.Edges {
		d.Lines = append(d.Lines, edge(e, at[e.From], at[e.To]))
	}
	return d
}

// across are the columns' places from the first one on, and how wide they all are.
func (g Graph) across(column map[string]int) (x map[int]int, width int) {
	last, gap := 0, map[int]int{}
	for _, c := range column {
		last = max(last, c)
	}
	for _, e := range g.Edges {
		if c := column[e.From]; e.Label != "" && column[e.To] == c+1 {
			gap[c] = max(gap[c], 28+6*utf8.RuneCountInString(e.Label))
		}
	}
	x = map[int]int{}
	for c := range last + 1 {
		x[c] = width
		width += boxWidth
		if c < last {
			width += max(columnGap, gap[c])
		}
	}
	return x, width
}

// newBox is as high as its label and its detail need, two lines each at most.
func newBox(n Node) box {
	b := box{Node: n, Height: 4}
	for _, line := range wrap(n.Label, 21, 2) {
		b.Height += 16
		b.Text = append(b.Text, textLine{Text: line, Y: b.Height})
	}
	b.Height += 3
	for _, line := range wrap(n.Detail, 24, 2) {
		b.Height += 14
		b.Text = append(b.Text, textLine{Text: line, Y: b.Height, Pale: true})
	}
	b.Height += 11
	return b
}

func edge(e Edge, from, to box) line {
	x1, y1, x2, y2 := from.X+boxWidth, from.Y+from.Height/2, to.X, to.Y+to.Height/2
	bend, back := min(max((x2-x1)/2, columnGap/2), 60), -1
	if to.X <= from.X { // back, beside the edge that may lead the other way
		x1, x2, bend, y1, y2, back = from.X, to.X+boxWidth, -60, y1+12, y2+12, 3 // its label stands below
	}
	return line{Label: e.Label, Path: curve(x1, y1, x1+bend, x2-bend, x2, y2), X: (x1 + x2) / 2, Y: (y1+y2)/2 + 4*back}
}

// curve leaves (x1, y1) towards a and comes to (x2, y2) from b, both level.
func curve(x1, y1, a, b, x2, y2 int) string {
	return fmt.Sprintf("M%d,%d C%d,%d %d,%d %d,%d", x1, y1, a, y1, b, y2, x2, y2)
}

// drawImports leads from frame to frame at their left sides, which are in sight however narrow the window is, each
// further out than the one before.
func (d *drawing) drawImports() {
	middle := map[string]int{}
	for _, f := range d.Frames {
		middle[f.Name] = f.Y + f.Height/2
	}
	leaving, coming := map[string]int{}, map[string]int{}
	for _, i := range d.Imports {
		if i.To == "" {
			continue
		}
		y1, y2 := middle[i.From]+10*leaving[i.From], middle[i.To]+10*coming[i.To]
		leaving[i.From]++
		coming[i.To]++
		out := d.Left - lane*(len(d.Imported)+1)
		d.Imported = append(d.Imported, line{Label: "imports " + strings.Join(i.Names, ", "), Path: curve(d.Left, y1, out, out, d.Left, y2)})
	}
}
