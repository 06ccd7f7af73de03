package monitor

import (
	"os"
	"strings"
	"testing"

	"github.com/ephor-io/ephor/laptop/s3"
)

// TestRestoreKeepsWhatItCannotReplace: whatever a restore by hand fails by, what the store had is there, and without the
// file the host goes on with it.
func TestRestoreKeepsWhatItCannotReplace(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.makeBucket("backups")
	k := newKeeper(t, c)
	k.begin()
	k.write(1)
	k.must("backup")
	parts, whole := c.backedUp("backups")
	first := strings.TrimPrefix(whole[0], WholeBackups)
	k.write(2)
	mark := func(text string) {
		t.Helper()
		if err := os.WriteFile(k.data("restoring"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kept := func() {
		t.Helper()
		if err := os.Remove(k.data("restoring")); err != nil {
			t.Fatal(err)
		}
		k.must("halt")
		if said := k.must("restore"); strings.Contains(said, "restoring") {
			t.Errorf("without the file: %s", said)
		}
		k.must("run_store", "loopback")
		k.holds(2, "6")
		for _, name := range []string{"influxdb.before", "restore"} {
			if _, err := os.Stat(k.data(name)); err == nil {
				t.Errorf("%s is left", name)
			}
		}
	}

	mark("20261123T060001Z\n") // a second wrong
	k.fails("the bucket backups has no whole backup 20261123T060001Z", "", "restore")
	k.holds(2, "6") // it went on all the time
	kept()
	mark("yesterday\n")
	k.fails("does not hold the time of a backup, such as 20261123T060000Z", "", "restore")
	kept()
	mark(first + "\n")
	k.fails("the bucket backups does not answer", "export AWS_ENDPOINT_URL_S3=http://127.0.0.1:1; web() { curl --silent --fail \"$@\"; }", "restore")
	k.holds(2, "6")
	kept()
	mark(first)
	k.fails("a larger VolumeSize gives it some", `df() { printf 'Avail\n1000\n'; }`, "restore")
	k.holds(2, "6")
	kept()
	mark(first + "\n")
	k.fails("influxd restore: it is broken: without the file", `influxd() { case $1 in restore) echo 'it is broken'; return 1 ;; *) command influxd "$@" ;; esac; }`, "restore")
	kept()
	mark(first + "\n")
	if said, err := k.run("putting the backup into the store", "restore"); err == nil {
		t.Fatalf("it was not killed: %s", said)
	}
	kept()
	mark(first + "\n")
	if said, err := k.run("putting the backup into the store", "restore"); err == nil {
		t.Fatalf("it was not killed: %s", said)
	}
	k.must("restore")
	k.holds(1, "6")
	k.holds(2, "0")

	k.write(2)
	if _, err := c.objects.PutObject(t.Context(), s3.PutInput{Bucket: "backups", Key: parts[1], Body: strings.NewReader("x"), Size: 1}); err != nil {
		t.Fatal(err)
	}
	mark(first + "\n")
	k.fails(parts[1]+" of backups is not what was backed up", "", "restore")
	k.holds(2, "6")
	kept()
}

// TestBackupNeedsRoom for the store once and a piece, and holds a boot off while the store is read.
func TestBackupNeedsRoom(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.makeBucket("backups")
	k := newKeeper(t, c)
	k.begin()
	k.write(1)
	const size = `du() { printf '1000000\t.\n'; }; `
	k.fails("the volume has 1005000 bytes free, and a backup needs 1005000", size+`df() { printf 'Avail\n1005000\n'; }`, "backup")
	if _, whole := c.backedUp("backups"); len(whole) > 0 {
		t.Errorf("there is one: %q", whole)
	}
	k.env = append(k.env, `FAKE=`+size+`df() { printf 'Avail\n1005001\n'; }
influxd() { if flock --nonblock "$settings/lock" true; then echo 'nobody holds the lock'; return 1; fi; command influxd "$@"; }`)
	k.must("backup")
	if _, whole := c.backedUp("backups"); len(whole) != 1 {
		t.Errorf("there is none: %q", whole)
	}
}
