package loss

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Count is a function's invocations in a period, as two parties have them.
type Count struct {
	Function string `json:"function"`
	// Invoked is what the Lambda service says it invoked, Recorded how many the store has.
	Invoked  int64 `json:"invoked"`
	Recorded int64 `json:"recorded"`
}

// Compare sets what the Lambda service counted, of whatever functions invoked names, beside what the store
// has of them, in the order of their names.
//
// It knows no environments, as CloudWatch's metric Invocations does not, but that is the service's own
// count, kept for 15 months and whatever becomes of the logs. Where the two differ, Account says whose the
// invocations were. The service puts an invocation at the time when it began, the store at that when it
// ended: one that runs over an edge of the period is on one side of it for the one and on the other
// for the other.
func Compare(ctx context.Context, ask Ask, period Period, invoked map[string]int64) ([]Count, error) {
	recorded, err := invocations(ctx, ask, period)
	if err != nil {
		return nil, fmt.Errorf("comparing with the service's count: %w", err)
	}
	has := map[string]int64{}
	for e, n := range recorded {
		has[e.Function] += n
	}
	var counts []Count
	for f, n := range invoked {
		counts = append(counts, Count{Function: f, Invoked: n, Recorded: has[f]})
	}
	slices.SortFunc(counts, func(a, b Count) int { return strings.Compare(a.Function, b.Function) })
	return counts, nil
}
