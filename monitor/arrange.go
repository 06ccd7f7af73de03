package monitor

import (
	grafana "github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/ephor-io/ephor/dashboard"
)

// arrange places panels on the grid. Each goes to the highest place where it fits, and there as
// far to the left as it can; a row goes below everything and starts a new surface:
//
//	+-----------+---+---+---+
//	|           | 2 | 3 | 4 |
//	|     1     +---+---+---+
//	|           | 5 | 6 | 7 |
//	+-----------+---+---+---+
//	| a row                 |
//	+-------+-------+-------+
func arrange(panels []dashboard.Panel) []grafana.GridPos {
	// skyline is, per column, the first line that is free.
	var skyline [dashboard.Columns]int
	places := make([]grafana.GridPos, 0, len(panels))
	for _, p := range panels {
		w, h := p.Size()
		w = min(w, dashboard.Columns)
		x, y := lowest(skyline, w)
		for i := x; i < x+w; i++ {
			skyline[i] = y + h
		}
		places = append(places, grafana.GridPos{X: uint32(x), Y: uint32(y), W: uint32(w), H: uint32(h)})
	}
	return places
}

func lowest(skyline [dashboard.Columns]int, width int) (x, y int) {
	y = -1
	for i := 0; i+width <= len(skyline); i++ {
		top := 0
		for _, line := range skyline[i : i+width] {
			top = max(top, line)
		}
		if y < 0 || top < y {
			x, y = i, top
		}
	}
	return x, y
}
