package influx

import (
	"errors"

	"github.com/influxdata/influxdb/coordinator"
	"github.com/influxdata/influxdb/query"
	"github.com/influxdata/influxql"
)

var errNoSubscriptions = errors.New("subscriptions are not available: this store forwards no points")

// statements executes InfluxQL statements, without those whose effect would need a part that is not here.
type statements struct {
	*coordinator.StatementExecutor
}

func (s statements) ExecuteStatement(ctx *query.ExecutionContext, statement influxql.Statement) error {
	if _, ok := statement.(*influxql.CreateSubscriptionStatement); ok {
		return errNoSubscriptions
	}
	return s.StatementExecutor.ExecuteStatement(ctx, statement)
}

// onlyReads reports whether a statement changes nothing, so that a GET request may carry it. What it does not
// know, it takes for a change.
//
// https://docs.influxdata.com/influxdb/v1/tools/api/#query-http-endpoint lists which statements want POST.
func onlyReads(statement influxql.Statement) bool {
	switch s := statement.(type) {
	case *influxql.SelectStatement:
		return s.Target == nil // INTO writes
	case *influxql.ExplainStatement:
		return s.Statement.Target == nil
	case *influxql.ShowContinuousQueriesStatement,
		*influxql.ShowDatabasesStatement,
		*influxql.ShowDiagnosticsStatement,
		*influxql.ShowFieldKeyCardinalityStatement,
		*influxql.ShowFieldKeysStatement,
		*influxql.ShowGrantsForUserStatement,
		*influxql.ShowMeasurementCardinalityStatement,
		*influxql.ShowMeasurementsStatement,
		*influxql.ShowQueriesStatement,
		*influxql.ShowRetentionPoliciesStatement,
		*influxql.ShowSeriesCardinalityStatement,
		*influxql.ShowSeriesStatement,
		*influxql.ShowShardGroupsStatement,
		*influxql.ShowShardsStatement,
		*influxql.ShowStatsStatement,
		*influxql.ShowSubscriptionsStatement,
		*influxql.ShowTagKeyCardinalityStatement,
		*influxql.ShowTagKeysStatement,
		*influxql.ShowTagValuesCardinalityStatement,
		*influxql.ShowTagValuesStatement,
		*influxql.ShowUsersStatement:
		return true
	}
	return false
}
