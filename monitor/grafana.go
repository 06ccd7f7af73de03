package monitor

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	grafana "github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/dashboard"
)

// DataSourceUID is the UID of the InfluxDB data source that every panel asks. The host's Grafana
// is provisioned with it.
const DataSourceUID = "ephor"

// Dashboard is one dashboard as Grafana reads it.
type Dashboard struct {
	// UID is the name in links: /d/<UID>.
	UID   string
	Title string
	// JSON is Grafana's dashboard model. The same dashboard is the same bytes.
	JSON []byte
}

// Dashboards renders g's dashboards in their order, the standard panels behind each one's own.
// A dashboard that is not valid, and two that would have the same UID, are errors.
func Dashboards(g ephor.Grafana) ([]Dashboard, error) { return renderAll(g, forPage) }

// form is for whom dashboards are rendered.
type form int

const (
	forPage  form = iota // the local page, which has no variables
	forHost              // Grafana, before a store that rolls up as the host's does
	forStore             // Grafana, before any other store: it reads the points whatever the range
)

func renderAll(g ephor.Grafana, as form) ([]Dashboard, error) {
	if err := dashboard.ValidateAll(g.Dashboards); err != nil {
		return nil, err
	}
	var boards []Dashboard
	for _, d := range g.Dashboards {
		var text []byte
		var err error
		if d.JSON != nil {
			text, err = ownModel(d)
		} else {
			text, err = render(d, as)
		}
		if err != nil {
			return nil, fmt.Errorf("dashboard %q: %w", d.Title, err)
		}
		boards = append(boards, Dashboard{UID: d.UID(), Title: d.Title, JSON: text})
	}
	return boards, nil
}

// render makes the dashboard with Grafana's builders. Grafana refuses to refresh more often than
// every 5 s unless its administrator allows it (min_refresh_interval); the local page has a pace
// of its own.
func render(d dashboard.Dashboard, as form) ([]byte, error) {
	b := grafana.NewDashboardBuilder(d.Title).
		Uid(d.UID()).
		Tags([]string{"ephor"}).
		Time("now-5m", "now").
		Refresh("5s").
		Tooltip(grafana.DashboardCursorSyncCrosshair).
		Annotation(deploys(as))
	panels := slices.Concat(d.Panels, dashboard.Standard())
	if as != forPage {
		for i := range variables {
			b.WithVariable(variable(i, as))
		}
		panels = append(panels, perFunction()...)
	}
	if as == forHost {
		for _, name := range rangeVariables {
			b.WithVariable(rangeVariable(name))
		}
	}
	for i, place := range arrange(panels) {
		id := uint32(i + 1)
		switch p := panels[i]; {
		case p.Kind == dashboard.Row && p.Title == "$function":
			b.WithRow(grafana.NewRowBuilder(p.Title).Id(id).GridPos(place).Repeat("function"))
		case p.Kind == dashboard.Row:
			b.WithRow(grafana.NewRowBuilder(p.Title).Id(id).GridPos(place))
		default:
			b.WithPanel(panel(p, id, place, as))
		}
	}
	board, err := b.Build()
	if err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(board, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(text, '\n'), nil
}

func dataSource() common.DataSourceRef {
	return common.DataSourceRef{Type: cog.ToPtr("influxdb"), Uid: cog.ToPtr(DataSourceUID)}
}
