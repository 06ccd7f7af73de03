package influx

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestSetup: what Config.Setup makes is there, again after a restart, and its continuous query is replaced by another of its name.
func TestSetup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	policy := `CREATE RETENTION POLICY "long" ON "ephor" DURATION 90d REPLICATION 1`
	rollup := func(function string) string {
		return `CREATE CONTINUOUS QUERY "q" ON "ephor" RESAMPLE EVERY 1s FOR 1h BEGIN SELECT ` + function + `("v") AS "v" INTO "ephor"."long"."m" FROM "ephor".."m" GROUP BY time(1s) END`
	}
	changes := map[string]uint64{}
	for _, function := range []string{"sum", "sum", "max"} {
		s, err := Open(Config{Dir: dir, Database: "ephor", Setup: []string{policy, rollup(function)}})
		if err != nil {
			t.Fatal(err)
		}
		d := inProcess(t, s)
		got := d.values(t, "SHOW CONTINUOUS QUERIES")
		if strings.Count(got, `"q"`) != 1 || !strings.Contains(got, "SELECT "+function+"(v)") {
			t.Errorf("%s: %s", function, got)
		}
		data := s.engine.meta.Data()
		if before, again := changes[function]; again && data.Index != before {
			t.Errorf("%s was there, and has been made again", function)
		}
		changes[function] = data.Index
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestContinuousQueriesRun, without anybody asking.
func TestContinuousQueriesRun(t *testing.T) {
	t.Parallel()
	_, url := serve(t, Config{Setup: []string{
		`CREATE RETENTION POLICY "long" ON "ephor" DURATION 90d REPLICATION 1`,
		`CREATE CONTINUOUS QUERY "q" ON "ephor" RESAMPLE EVERY 1s FOR 1h BEGIN SELECT count("n") AS "c" INTO "ephor"."long"."m" FROM (SELECT count("v") AS "n" FROM "ephor".."m" GROUP BY time(1s), "a", "b" fill(none)) GROUP BY time(1s), "a" END`,
	}})
	d := target{"embedded", url}
	at := time.Now().Add(-10 * time.Second).Truncate(time.Second)
	for _, b := range []string{"x", "y"} {
		d.write(t, "m,a=f,b="+b+" v=1 "+strconv.FormatInt(at.UnixNano(), 10))
	}
	for range 600 {
		if got := d.values(t, `SELECT "c" FROM "long"."m" WHERE "c" > 0`); strings.HasSuffix(got, ",2]") {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Error("no rollup came to be")
}

func TestSetupRefuses(t *testing.T) {
	t.Parallel()
	for _, statement := range []string{"CREATE SOMETHING", `CREATE RETENTION POLICY "p" ON "nowhere" DURATION 1d REPLICATION 1`} {
		if s, err := Open(Config{Dir: t.TempDir(), Database: "ephor", Setup: []string{statement}}); err == nil || !strings.Contains(err.Error(), "setting up") {
			if err == nil {
				s.Close()
			}
			t.Errorf("%s: %v", statement, err)
		}
	}
}
