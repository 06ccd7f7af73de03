package influx

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestWhatWasThereAtTheEndIsRolledUp: a continuous query that looks back a minute makes the last windows before the store
// was closed, or killed, hours ago, and no others.
func TestWhatWasThereAtTheEndIsRolledUp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	policy := `CREATE RETENTION POLICY "long" ON "ephor" DURATION 90d REPLICATION 1`
	s, err := Open(Config{Dir: dir, Database: "ephor", Setup: []string{policy}})
	if err != nil {
		t.Fatal(err)
	}
	end := time.Now().Add(-8 * time.Hour)
	d := inProcess(t, s)
	for _, before := range []time.Duration{2 * time.Second, 35 * time.Second, time.Hour} {
		d.write(t, "m v=1 "+strconv.FormatInt(end.Add(-before).UnixNano(), 10))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chtimes(path, end, end)
	})
	if err != nil {
		t.Fatal(err)
	}
	// The second one is asked behind the first, and its result tells that the first has run.
	query := func(name, back string) string {
		return `CREATE CONTINUOUS QUERY "` + name + `" ON "ephor" RESAMPLE EVERY 10s FOR ` + back + ` BEGIN SELECT count("v") AS "c" INTO "ephor"."long"."` + name + `" FROM "ephor".."m" GROUP BY time(10s) END`
	}
	s, err = Open(Config{Dir: dir, Database: "ephor", Setup: []string{query("short", "1m"), query("then", "2h")}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	d = inProcess(t, s)
	sum := func(measurement string) string { return d.values(t, `SELECT sum("c") FROM "long"."`+measurement+`"`) }
	for range 1200 {
		if strings.HasSuffix(sum("then"), ",3]") {
			if got := sum("short"); !strings.HasSuffix(got, ",2]") {
				t.Errorf("the last minute: %s", got)
			}
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("no rollup came to be: %s, %s", sum("short"), sum("then"))
}
