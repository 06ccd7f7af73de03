package monitor

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestHostRollsUpAsTheLaptop: what the script makes of the table of rollups is what Go makes of them, and a store
// that has others, of before, has these in their place.
func TestHostRollsUpAsTheLaptop(t *testing.T) {
	t.Parallel()
	var want strings.Builder
	for _, q := range ContinuousQueries() {
		fmt.Fprintf(&want, "%s\t%s\n", q.Name, q.Create)
	}
	k := newKeeper(t, newCloud(t))
	k.env = append(k.env, "EPHOR_ROLLUP_DAYS=90")
	if diff := cmp.Diff(want.String(), k.must("rollup_queries")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	k.must("run_store", "loopback")
	k.query("CREATE DATABASE ephor")
	k.query(`CREATE RETENTION POLICY "raw" ON "ephor" DURATION 7d REPLICATION 1 DEFAULT`)
	k.must("rollup_policies")
	const before = `CREATE CONTINUOUS QUERY "%s" ON "ephor" RESAMPLE EVERY 10s FOR 1m BEGIN SELECT count("seq") AS "flushes" INTO "ephor"."rollup_10s"."publisher" FROM "ephor".."publisher" GROUP BY time(10s), "function", "version" END`
	k.query(fmt.Sprintf(before, "publisher_10s"))
	for range 2 {
		k.must("rollups")
		said := k.query("SHOW CONTINUOUS QUERIES")
		if n := strings.Count(said, "CREATE CONTINUOUS QUERY"); n != len(ContinuousQueries()) {
			t.Errorf("the store has %d continuous queries, %d were made", n, len(ContinuousQueries()))
		}
		if !strings.Contains(said, "CONTINUOUS QUERY publisher_10s_ended_late ON ephor") || strings.Count(said, "AS ended") != 4 {
			t.Errorf("the one of before is still there: %s", said)
		}
	}
}
