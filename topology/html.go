package topology

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

//go:embed page.html
var page string

// The measures of the drawing, in pixels.
const (
	boxWidth, boxHeight = 220, 48
	columnGap, rowGap   = 150, 14
	margin, title       = 16, 26
)

type box struct {
	Node
	X, Y int
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
	Width, Height int
	Frames        []frame
	Boxes         []box
	Lines         []line
	Imported      []line
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

// draw puts each stack into a frame of its own, the application's on top, and each node into the column
// behind those that lead to it:
//
//	+-- Shop ------------------------+
//	| GET /orders --> Orders --> ... |
//	+--------------------------------+
//	+-- Shop-Monitoring ---- ... ----+
func (g Graph) draw() drawing {
	d := drawing{Graph: g}
	column := g.columns()
	at := map[string]box{}
	y, columns := margin, 0
	for i := len(g.Groups) - 1; i >= 0; i-- {
		rows := map[int]int{}
		most := 0
		for _, n := range g.untangled(g.Groups[i].Nodes, column) {
			c := column[n.ID]
			b := box{Node: n, X: 2*margin + c*(boxWidth+columnGap), Y: y + title + rows[c]*(boxHeight+rowGap)}
			rows[c]++
			at[n.ID] = b
			d.Boxes = append(d.Boxes, b)
			most, columns = max(most, rows[c]), max(columns, c+1)
		}
		f := frame{Group: g.Groups[i], Y: y, Height: title + most*(boxHeight+rowGap) + margin}
		d.Frames = append(d.Frames, f)
		y += f.Height + margin
	}
	d.Height = y
	frameWidth := 2*margin + max(columns, 1)*(boxWidth+columnGap) - columnGap
	d.Width = 2*margin + frameWidth
	for i := range d.Frames {
		d.Frames[i].Width = frameWidth
	}
	d.drawImports(margin + frameWidth)
	for _, e := range g.Edges {
		from, to := at[e.From], at[e.To]
		x1, y1, x2, y2 := from.X+boxWidth, from.Y+boxHeight/2, to.X, to.Y+boxHeight/2
		bend, back := columnGap/2, -1
		if to.X <= from.X { // back, beside the edge that may lead the other way
			x1, x2, bend, y1, y2, back = from.X, to.X+boxWidth, -bend, y1+12, y2+12, 3 // its label stands below
		}
		d.Lines = append(d.Lines, line{Label: e.Label, Path: curve(x1, y1, x1+bend, x2-bend, x2, y2), X: (x1 + x2) / 2, Y: (y1+y2)/2 + 4*back})
	}
	return d
}

// curve leaves (x1, y1) towards a and comes to (x2, y2) from b, both level.
func curve(x1, y1, a, b, x2, y2 int) string {
	return fmt.Sprintf("M%d,%d C%d,%d %d,%d %d,%d", x1, y1, a, y1, b, y2, x2, y2)
}

// drawImports leads from frame to frame, at their right sides, each further out than the one before.
func (d *drawing) drawImports(right int) {
	const lane = 34
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
		out := right + lane*(len(d.Imported)+1)
		d.Imported = append(d.Imported, line{Label: "imports " + strings.Join(i.Names, ", "), Path: curve(right, y1, out, out, right, y2)})
		d.Width = max(d.Width, out+margin)
	}
}

// untangled are nodes in an order in which fewer edges cross: column by column, each near those that lead to
// it. Where that makes no difference they stay as they are.
func (g Graph) untangled(nodes []Node, column map[string]int) []Node {
	nodes = slices.Clone(nodes)
	slices.SortStableFunc(nodes, func(a, b Node) int { return column[a.ID] - column[b.ID] })
	row := map[string]float64{}
	for start := 0; start < len(nodes); {
		end := start
		for end < len(nodes) && column[nodes[end].ID] == column[nodes[start].ID] {
			end++
		}
		near := map[string]float64{}
		for i, n := range nodes[start:end] {
			sum, count := 0.0, 0.0
			for _, e := range g.Edges {
				if at, placed := row[e.From]; placed && e.To == n.ID {
					sum, count = sum+at, count+1
				}
			}
			near[n.ID] = float64(i)
			if count > 0 {
				near[n.ID] = sum / count
			}
		}
		slices.SortStableFunc(nodes[start:end], func(a, b Node) int { return cmp.Compare(near[a.ID], near[b.ID]) })
		for i, n := range nodes[start:end] {
			row[n.ID] = float64(i)
		}
		start = end
	}
	return nodes
}

// columns are the nodes' columns: each stands behind all that lead to it. An edge that closes a circle does not
// count.
func (g Graph) columns() map[string]int {
	leads := map[string][]string{}
	for _, e := range g.Edges {
		leads[e.From] = append(leads[e.From], e.To)
	}
	column, under, done := map[string]int{}, map[string]bool{}, map[string]bool{}
	var order []string // each behind all that it leads to, circles aside
	forward := map[string][]string{}
	var visit func(id string)
	visit = func(id string) {
		under[id] = true
		for _, to := range leads[id] {
			if under[to] {
				continue
			}
			forward[id] = append(forward[id], to)
			if !done[to] {
				visit(to)
			}
		}
		under[id], done[id] = false, true
		order = append(order, id)
	}
	for _, group := range g.Groups {
		for _, n := range group.Nodes {
			if !done[n.ID] {
				visit(n.ID)
			}
		}
	}
	for _, id := range slices.Backward(order) {
		for _, to := range forward[id] {
			column[to] = max(column[to], column[id]+1)
		}
	}
	// Who is led to by nobody stands beside the first that it leads to.
	led := map[string]bool{}
	for _, e := range g.Edges {
		led[e.To] = true
	}
	for id, to := range forward {
		if !led[id] {
			nearest := column[to[0]]
			for _, id := range to {
				nearest = min(nearest, column[id])
			}
			column[id] = nearest - 1
		}
	}
	return column
}

// Short is a label as it fits into its box; the whole is its tooltip.
func (b box) Short(text string) string {
	const most = 30
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}
