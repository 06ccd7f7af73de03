package topology

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"unicode/utf8"
)

//go:embed page.html
var page string

// The measures of the drawing, in pixels.
const (
	boxWidth, boxHeight = 220, 48
	columnGap, rowGap   = 70, 14
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

type line struct{ Path, Label string }

type drawing struct {
	Graph
	Width, Height int
	Frames        []frame
	Boxes         []box
	Lines         []line
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
		for _, n := range g.Groups[i].Nodes {
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
	d.Width = 4*margin + max(columns, 1)*(boxWidth+columnGap) - columnGap
	for i := range d.Frames {
		d.Frames[i].Width = d.Width - 2*margin
	}
	for _, e := range g.Edges {
		from, to := at[e.From], at[e.To]
		x1, y1, x2, y2 := from.X+boxWidth, from.Y+boxHeight/2, to.X, to.Y+boxHeight/2
		bend := columnGap / 2
		d.Lines = append(d.Lines, line{Label: e.Label, Path: fmt.Sprintf("M%d,%d C%d,%d %d,%d %d,%d", x1, y1, x1+bend, y1, x2-bend, y2, x2, y2)})
	}
	return d
}

// columns are the nodes' columns: each stands behind all that lead to it, if no circle is in the way.
func (g Graph) columns() map[string]int {
	column := map[string]int{}
	nodes := 0
	for _, group := range g.Groups {
		nodes += len(group.Nodes)
	}
	for range nodes { // a path has no more edges than there are nodes; a circle ends with that
		moved := false
		for _, e := range g.Edges {
			if next := column[e.From] + 1; column[e.To] < next && next < nodes {
				column[e.To], moved = next, true
			}
		}
		if !moved {
			break
		}
	}
	return column
}

// Short is a label as it fits into its box; the whole is its tooltip.
func (b box) Short(text string) string {
	const most = 32
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}
