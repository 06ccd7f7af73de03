package monitor

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

// restores: a backup is made, the volume emptied, and the machine, killed on the way, has its points again, and the authority that
// functions know it by.
func (h *bootedHost) restores(t *testing.T) {
	points := func(value int, want string) {
		t.Helper()
		var got string
		for deadline := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
			var status int
			status, got = h.store(t, "GET", "/query", url.Values{"db": {Database}, "q": {fmt.Sprintf(`SELECT count("v") FROM "kept" WHERE "v" = %d`, value)}}, "", "reader", h.cloud.password("ReaderSecret"))
			if status == 200 && strings.Contains(got, want) && !strings.Contains(got, "error") {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("of %d there is %s, want %s", value, got, want)
			}
		}
	}
	write := func(value int) {
		t.Helper()
		var lines strings.Builder
		for hour := range 5 {
			fmt.Fprintf(&lines, "kept,hour=%d v=%d %d\n", hour, value, time.Now().Add(-time.Duration(hour)*time.Hour).UnixNano())
		}
		if status, text := h.store(t, "POST", "/write", url.Values{"db": {Database}}, lines.String(), "writer", h.cloud.password("WriterSecret")); status != 204 {
			t.Fatalf("writing: %d %s", status, text)
		}
	}
	const five, none = `,5]`, `{"statement_id":0}`
	backup := func() (string, error) {
		t.Helper()
		stop := h.watchCommandLines(t)
		out, err := h.debian.command("systemctl", "restart", "ephor-backup.service").CombinedOutput()
		stop()
		h.tellsNothing(string(out))
		return string(out), err
	}
	write(1)
	points(1, five)
	if said, err := backup(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	parts, whole := h.cloud.backedUp("backups")
	if len(parts) < 2 || len(whole) != 1 {
		t.Fatalf("pieces %q, whole %q", parts, whole)
	}
	for _, key := range parts {
		text, err := h.cloud.objects.GetObject(t.Context(), "backups", key, "")
		if err != nil {
			t.Fatal(err)
		}
		for name, secret := range h.secrets() {
			if bytes.Contains(text, []byte(secret)) {
				t.Errorf("%s is in %s", name, key)
			}
		}
	}
	if said, err := backup(); err != nil || strings.Contains(said, "making the backup") {
		t.Errorf("the next, an hour later: %v\n%s", err, said)
	}
	if status, text := h.store(t, "GET", "/query", url.Values{"db": {Database}, "q": {`SELECT last("age_s") FROM "ephor_backup"`}}, "", "reader", h.cloud.password("ReaderSecret")); status != 200 || !strings.Contains(text, "values") {
		t.Errorf("the age of the last backup: %d %s", status, text)
	}
	write(2)

	ca := h.ca
	h.debian.run(t, "bash", "-ec", `for f in /run/ephor-*.pid; do kill "$(cat "$f")"; tail --pid "$(cat "$f")" -f /dev/null; rm "$f"; done; find /var/lib/ephor -mindepth 1 -delete`)
	for _, at := range []string{"restoring the backup", "putting the backup"} {
		if said, err := h.debian.boot(t, at); err == nil || !strings.Contains(said, " ephor: "+at) {
			t.Fatalf("the script was not killed at %q: %v\n%s", at, err, said)
		}
	}
	h.succeeds(t, 0)
	if !bytes.Equal(ca, h.ca) {
		t.Error("functions do not know the authority of the machine that was restored")
	}
	points(1, five)
	points(2, none)
	write(3)
	h.succeeds(t, 0)
	points(3, five) // what is there is not restored again
}
