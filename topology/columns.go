package topology

import (
	"cmp"
	"slices"
)

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
