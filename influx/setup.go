package influx

import (
	"context"
	"fmt"
	"strings"

	"github.com/influxdata/influxql"
)

// setUp executes statements that hold for as long as the store is open. A retention policy that is there
// stays as it is; a continuous query that is there with another text is replaced.
func (e *engine) setUp(database string, statements []string) error {
	for _, text := range statements {
		statement, err := influxql.NewParser(strings.NewReader(text)).ParseStatement()
		if err != nil {
			return fmt.Errorf("setting up: parsing %s: %w", text, err)
		}
		there, err := e.hasAlready(statement)
		if err != nil {
			return err
		}
		if there {
			continue
		}
		asked := question{query: &influxql.Query{Statements: influxql.Statements{statement}}}
		asked.options.Database = database
		for result := range e.run(context.Background(), asked) {
			if result.Err != nil {
				return fmt.Errorf("setting up: %s: %w", text, result.Err)
			}
		}
	}
	return nil
}

// hasAlready tells whether what a statement makes is there. A continuous query in the way is dropped.
func (e *engine) hasAlready(statement influxql.Statement) (bool, error) {
	switch s := statement.(type) {
	case *influxql.CreateRetentionPolicyStatement:
		policy, err := e.meta.RetentionPolicy(s.Database, s.Name)
		return policy != nil && err == nil, nil // a database that is missing is the statement's own error
	case *influxql.CreateContinuousQueryStatement:
		d := e.meta.Database(s.Database)
		if d == nil {
			return false, nil
		}
		// As the engine keeps it: with the default retention policy where none is named.
		if err := e.statements.NormalizeStatement(s, s.Database, ""); err != nil {
			return false, fmt.Errorf("setting up: the continuous query %s: %w", s.Name, err)
		}
		for _, q := range d.ContinuousQueries {
			switch {
			case q.Name != s.Name:
			case q.Query == s.String():
				return true, nil
			default:
				if err := e.meta.DropContinuousQuery(s.Database, s.Name); err != nil {
					return false, fmt.Errorf("setting up: dropping the continuous query %s: %w", s.Name, err)
				}
			}
		}
	}
	return false, nil
}
