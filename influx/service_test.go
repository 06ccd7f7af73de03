package influx

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// A continuous query rolls up by itself, and is still there after a restart.
func TestContinuousQuery(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, d, _ := openDir(t, dir)
	created := d.do(t, request{method: "POST", path: "/query", form: "q=" +
		"CREATE CONTINUOUS QUERY per_second ON ephor BEGIN SELECT sum(v) AS v INTO rollup FROM src GROUP BY time(1s) END"})
	if created.body != `{"results":[{"statement_id":0}]}`+"\n" {
		t.Fatal(created.body)
	}
	s.Close()

	s, d, events := openDir(t, dir)
	defer s.Close()
	eventually(t, "nothing is rolled up", func() bool {
		d.write(t, fmt.Sprintf("src v=1 %d", time.Now().UnixNano()))
		return d.values(t, "SELECT v FROM rollup WHERE v > 0") != ""
	})
	if len(events()) != 0 {
		t.Errorf("events %+v, want none", events())
	}
}

func TestRetention(t *testing.T) {
	t.Parallel()
	_, url := serve(t, Config{Retention: 24 * time.Hour, expiryCheck: 10 * time.Millisecond})
	d := target{"embedded", url}
	if got, want := d.values(t, "SHOW RETENTION POLICIES ON ephor"), `["autogen","24h0m0s","1h0m0s",1,true]`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	old := d.do(t, post("/write?db=ephor&precision=h", "x v=1 1"))
	if want := `{"error":"partial write: points beyond retention policy dropped=1"}` + "\n"; old.status != 400 || old.body != want {
		t.Errorf("a point too old: %d %s, want 400 %s", old.status, old.body, want)
	}

	change := func(q string) {
		t.Helper()
		if a := d.do(t, request{method: "POST", path: "/query", form: "q=" + q}); strings.Contains(a.body, "error") {
			t.Fatalf("%s: %s", q, a.body)
		}
	}
	change("CREATE RETENTION POLICY brief ON ephor DURATION 0s REPLICATION 1 SHARD DURATION 1h")
	hours := time.Now().Add(-5*time.Hour).UnixNano() / int64(time.Hour)
	if a := d.do(t, post("/write?db=ephor&rp=brief&precision=h", fmt.Sprintf("x v=1 %d", hours))); a.status != 204 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if got := d.values(t, "SELECT v FROM brief.x"); got == "" {
		t.Fatal("the point is not there")
	}
	change("ALTER RETENTION POLICY brief ON ephor DURATION 1h")
	eventually(t, "the point does not expire", func() bool { return d.values(t, "SELECT v FROM brief.x") == "" })
}

// Dropping what Open made is allowed, and the next Open makes it again.
func TestDatabaseIsMadeAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, d, _ := openDir(t, dir)
	d.write(t, "x v=1 1")
	d.do(t, request{method: "POST", path: "/query", form: "q=DROP DATABASE ephor"})
	if a := d.do(t, post("/write?db=ephor", "x v=1 1")); a.status != 404 {
		t.Errorf("into a database that was dropped: %d, want 404", a.status)
	}
	s.Close()
	s, d, _ = openDir(t, dir)
	defer s.Close()
	d.write(t, "x v=2 2")
	if got := d.values(t, "SELECT v FROM x"); got != "[2,2]" {
		t.Errorf("%s, want [2,2]", got)
	}
}

func TestSubscriptionIsRefused(t *testing.T) {
	t.Parallel()
	d := embedded(t)
	a := d.do(t, request{method: "POST", path: "/query", form: "q=" +
		`CREATE SUBSCRIPTION s ON ephor.autogen DESTINATIONS ALL 'http://127.0.0.1:1'`})
	if want := `{"results":[{"statement_id":0,"error":"` + errNoSubscriptions.Error() + `"}]}` + "\n"; a.body != want {
		t.Errorf("%s, want %s", a.body, want)
	}
	if got := d.values(t, "SHOW SUBSCRIPTIONS"); got != "" {
		t.Errorf("recorded all the same: %s", got)
	}
}

func TestStatsAndDiagnostics(t *testing.T) {
	t.Parallel()
	d := embedded(t)
	d.write(t, "x v=1 1")
	for q, want := range map[string]string{"SHOW STATS": "numSeries", "SHOW DIAGNOSTICS": Version} {
		if a := d.do(t, get("/query?q="+q)); !strings.Contains(a.body, want) {
			t.Errorf("%s has no %q: %s", q, want, a.body)
		}
	}
}
