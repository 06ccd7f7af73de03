package monitor

import (
	"errors"
	"reflect"

	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
)

// query is a raw InfluxQL query of Grafana's InfluxDB data source, for which the SDK has no type.
//
// https://grafana.com/docs/grafana/latest/datasources/influxdb/query-editor/
type query struct {
	RefID        string `json:"refId"`
	Query        string `json:"query"`
	RawQuery     bool   `json:"rawQuery"`
	ResultFormat string `json:"resultFormat"`
	Alias        string `json:"alias,omitempty"`
	// Rollups are what the local page, which has no variables, asks instead over long ranges: the last
	// of those whose length the range exceeds. Grafana has a query of its own for that.
	Rollups []longer `json:"rollups,omitempty"`
}

// longer is what answers a query over ranges longer than Over, in milliseconds; Least is the shortest
// interval.
type longer struct {
	Over  int64  `json:"over"`
	Least string `json:"least"`
	Query string `json:"query"`
	Alias string `json:"alias,omitempty"`
}

// Build makes a query its own builder.
func (q query) Build() (variants.Dataquery, error) { return q, q.Validate() }

// ImplementsDataqueryVariant marks a query as one.
func (q query) ImplementsDataqueryVariant() {}

// DataqueryType is the plugin's.
func (q query) DataqueryType() string { return "influxdb" }

// Equals is true of the same query.
func (q query) Equals(other variants.Dataquery) bool {
	o, ok := other.(query)
	return ok && reflect.DeepEqual(o, q)
}

// Validate refuses a query that Grafana would drop in silence.
func (q query) Validate() error {
	if q.RefID == "" || q.Query == "" {
		return errors.New("a query needs a refId and a statement")
	}
	return nil
}
