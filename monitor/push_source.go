package monitor

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
)

// A SourceError is a data source that is there and that our panels cannot ask.
type SourceError struct {
	UID string
	Why string
}

func (e *SourceError) Error() string { return fmt.Sprintf("data source %s: %s", e.UID, e.Why) }

// checkSource looks whether the data source is there and takes InfluxQL.
//
// https://grafana.com/docs/grafana/latest/developers/http_api/data_source/#get-a-single-data-source-by-uid
// https://grafana.com/docs/grafana/latest/datasources/influxdb/configure-influxdb-data-source/
func (g *api) checkSource(ctx context.Context) error {
	var found struct {
		Type     string
		JSONData struct{ Version string }
	}
	if err := g.call(ctx, g.asksSource("", nil), &found); err != nil {
		return err
	}
	switch language := found.JSONData.Version; {
	case found.Type != "influxdb":
		return &SourceError{g.Source, fmt.Sprintf("its type is %q, and the panels ask one of InfluxDB", found.Type)}
	case language != "" && language != "InfluxQL":
		return &SourceError{g.Source, fmt.Sprintf("its query language is %s, and the panels ask in InfluxQL", language)}
	}
	return nil
}

func (g *api) asksSource(method string, body any) ask {
	return ask{part: PartSource, what: "data source " + g.Source, method: method, path: []string{"api/datasources/uid", g.Source}, body: body}
}

// Reach looks whether a Grafana is there that lets to.Token look at data sources, and changes nothing. A refusal is a
// *RefusedError.
func Reach(ctx context.Context, to Target) error {
	g, err := to.open()
	if err != nil {
		return err
	}
	_, err = there(g.call(ctx, g.asksSource("", nil), nil))
	return err
}

// PushSource makes to.Source the data source of the store at address, which asks for no credentials, and sees to it that this
// Grafana reaches the store: if not, that is a *SourceError. name is what people see of it.
//
// https://grafana.com/docs/grafana/latest/developers/http_api/data_source/
func PushSource(ctx context.Context, to Target, name, address string) error {
	g, err := to.open()
	if err != nil {
		return err
	}
	body := storeSource(name, g.Source, address)
	exists, err := there(g.call(ctx, g.asksSource("", nil), nil))
	if err != nil {
		return err
	}
	a := g.asksSource(http.MethodPut, body)
	if !exists {
		a.method, a.path = http.MethodPost, []string{"api/datasources"}
	}
	if err := g.call(ctx, a, nil); err != nil {
		return err
	}
	// https://grafana.com/docs/grafana/latest/developers/http_api/data_source/#data-source-proxy-calls
	var answer struct{ Results []any }
	err = g.call(ctx, ask{part: PartSource, what: "data source " + g.Source, path: []string{"api/datasources/proxy/uid", g.Source, "query"},
		query: url.Values{"db": {Database}, "q": {"SHOW DATABASES"}}}, &answer)
	switch {
	case err != nil:
		return &SourceError{g.Source, fmt.Sprintf("Grafana does not reach the store at %s: %v", address, err)}
	case len(answer.Results) == 0:
		return &SourceError{g.Source, fmt.Sprintf("what Grafana reaches at %s answers no InfluxQL", address)}
	}
	return nil
}
