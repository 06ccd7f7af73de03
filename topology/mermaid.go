package topology

import (
	"fmt"
	"strings"
)

// Mermaid is the graph as Mermaid's text, which GitHub and many others draw.
//
// https://mermaid.js.org/syntax/flowchart.html
func (g Graph) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	short := map[string]string{} // IDs of Mermaid's own, since it knows few characters
	for i, group := range g.Groups {
		fmt.Fprintf(&b, "  subgraph s%d[\"%s\"]\n", i, quoted(group.Name))
		for _, n := range group.Nodes {
			short[n.ID] = fmt.Sprintf("n%d", len(short))
			fmt.Fprintf(&b, "    %s[\"%s<br/>%s\"]\n", short[n.ID], quoted(n.Label), quoted(n.Detail))
		}
		b.WriteString("  end\n")
	}
	stack := map[string]string{}
	for i, group := range g.Groups {
		stack[group.Name] = fmt.Sprintf("s%d", i)
	}
	for _, i := range g.Imports {
		if i.To != "" {
			fmt.Fprintf(&b, "  %s -.->|\"imports\"| %s\n", stack[i.From], stack[i.To])
		}
	}
	for _, e := range g.Edges {
		arrow := "-->"
		if e.Label != "" {
			arrow = fmt.Sprintf("-->|\"%s\"|", quoted(e.Label))
		}
		fmt.Fprintf(&b, "  %s %s %s\n", short[e.From], arrow, short[e.To])
	}
	return b.String()
}

// quoted is text as it stands between quotation marks, with Mermaid's entity codes.
func quoted(text string) string {
	return strings.NewReplacer("#", "#35;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "\n", " ").Replace(text)
}
