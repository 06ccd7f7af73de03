package monitor

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ephor-io/ephor/laptop/s3"
)

func TestBackupAndRestoreByDebiansInfluxDB(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.makeBucket("backups")
	k := newKeeper(t, c)
	if said := k.must("restore"); strings.Contains(said, "restoring") {
		t.Fatalf("there is nothing to restore: %s", said)
	}
	k.begin()
	k.write(1)
	k.must("backup")
	parts, whole := c.backedUp("backups")
	if len(parts) < 2 || len(whole) != 1 {
		t.Fatalf("pieces %q, whole %q", parts, whole)
	}
	first := strings.TrimPrefix(whole[0], WholeBackups)
	if _, err := time.Parse(BackupTime, first); err != nil {
		t.Error(err)
	}
	var all bytes.Buffer
	for _, key := range parts {
		text, err := c.objects.GetObject(t.Context(), "backups", key, "")
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > 5000 {
			t.Errorf("%s has %d bytes", key, len(text))
		}
		all.Write(text)
	}
	if !bytes.Contains(all.Bytes(), []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----")) || bytes.Contains(bytes.ReplaceAll(all.Bytes(), []byte("ENCRYPTED PRIVATE"), nil), []byte("PRIVATE KEY")) {
		t.Error("the authority's key is not there, or can be read")
	}

	// None is due; then one is, which is killed while it is sent, and has no end.
	k.must("backup")
	if again, _ := c.backedUp("backups"); len(again) != len(parts) {
		t.Errorf("a second backup was made at once: %q", again)
	}
	k.write(2)
	k.again()
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	half, killed := exec.CommandContext(ctx, "bash", k.settings("script"), "backup"), make(chan struct{})
	half.Cancel = func() error {
		defer close(killed)
		killGroup(half)
		return nil
	}
	half.Env = append(os.Environ(), k.env...)
	c.onPut(func(key string) {
		if strings.HasSuffix(key, "/002") {
			kill()
			<-killed // before this piece is answered for
		}
	})
	if said, err := runGroup(t, half, nil); err == nil {
		t.Fatalf("the backup was not killed: %s", said)
	}
	c.onPut(nil)
	if more, ends := c.backedUp("backups"); len(more) <= len(parts) || len(ends) != 1 {
		t.Fatalf("the half backup: pieces %q, whole %q", more, ends)
	}

	authority := k.authority()
	restored := func(value int, want string) {
		t.Helper()
		k.holds(value, want)
		if _, err := os.Stat(k.data("restoring")); err == nil {
			t.Error("it is still to be restored")
		}
		if now := k.authority(); now != authority {
			t.Errorf("another authority: %s, was %s", now, authority)
		}
		if _, err := os.Stat(k.data("restore")); err == nil {
			t.Error("what was fetched is left")
		}
	}

	// An empty volume gets the one that is whole, also when it is killed twice on the way.
	k.must("halt")
	k.born()
	for _, at := range []string{"restoring the backup " + first, "putting the backup into the store"} {
		if said, err := k.run(at, "restore"); err == nil {
			t.Fatalf("the script was not killed at %q: %s", at, said)
		}
	}
	k.must("restore")
	restored(1, "6")
	k.holds(2, "0")
	if last, err := os.ReadFile(k.data("backup.last")); err != nil || !strings.HasSuffix(string(last), " "+first+"\n") {
		t.Errorf("the last backup is %q, %v", last, err)
	}

	// A store that is there is left alone, until it is asked for.
	k.write(3)
	if said := k.must("restore"); strings.Contains(said, "restoring") {
		t.Errorf("over what is there: %s", said)
	}
	k.holds(3, "6")
	k.again()
	k.must("backup")
	if err := os.WriteFile(k.data("restoring"), []byte(first+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	k.must("restore")
	restored(1, "6")
	k.holds(3, "0")
	if err := os.WriteFile(k.data("restoring"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	k.must("restore")
	restored(3, "6")

	// Another stack, with a bucket and a password of its own, gets the points and no authority.
	c.makeBucket("others")
	other := newKeeper(t, c)
	other.env = append(other.env, "EPHOR_BACKUP_BUCKET=others", "EPHOR_RESTORE_FROM=backups", "EPHOR_ADMIN_SECRET="+c.arns["WriterSecret"])
	other.must("restore")
	other.holds(3, "6")
	if _, err := os.Stat(other.data("tls/ca.pem")); err == nil {
		t.Error("it has the first stack's authority")
	}

	// A bucket that is gone holds up no new host; one that does not answer does.
	other.must("halt")
	other.born()
	other.env = append(other.env, "EPHOR_BACKUP_BUCKET=gone", "EPHOR_RESTORE_FROM=")
	if said := other.must("restore"); strings.Contains(said, "restoring") {
		t.Error(said)
	}
	other.env = append(other.env, "EPHOR_RESTORE_FROM=gone")
	if said, err := other.run("", "restore"); err == nil || !strings.Contains(said, "the bucket gone has no whole backup") {
		t.Errorf("%v: %s", err, said)
	}
}

// TestBackupThatFails says why, and leaves none.
func TestBackupThatFails(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.makeBucket("backups")
	k := newKeeper(t, c)
	k.begin()
	k.write(1)
	f := func(want string, env ...string) {
		t.Helper()
		had := k.env
		k.env = append(slices.Clone(had), env...)
		said, err := k.run("", "backup")
		k.env = had
		if err == nil || !strings.Contains(said, want) {
			t.Errorf("%v: %s\nwant %q", err, said, want)
		}
		if _, whole := c.backedUp("backups"); len(whole) > 0 {
			t.Errorf("there is a whole backup: %q", whole)
		}
	}
	f("(making the backup ", "AWS_ENDPOINT_URL_S3=http://127.0.0.1:1")
	f("influxd backup: ", "EPHOR_DATABASE=another")
	ages, err := os.ReadFile(k.data("ages"))
	if err != nil {
		t.Fatal(err)
	}
	if got := len(strings.Fields(string(ages))); got != 2 {
		t.Errorf("the age was told %d times, want twice", got)
	}
	k.env = append(k.env, "EPHOR_BACKUP_DAYS=0")
	if said := k.must("backup"); said != "" {
		t.Errorf("where none is wanted: %s", said)
	}
}

// TestRestoreOfAPieceThatChanged stops, with the way out.
func TestRestoreOfAPieceThatChanged(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.makeBucket("backups")
	k := newKeeper(t, c)
	k.begin()
	k.write(1)
	k.must("backup")
	parts, _ := c.backedUp("backups")
	if _, err := c.objects.PutObject(t.Context(), s3.PutInput{Bucket: "backups", Key: parts[1], Body: strings.NewReader("x"), Size: 1}); err != nil {
		t.Fatal(err)
	}
	k.must("halt")
	k.born()
	if said, err := k.run("", "restore"); err == nil || !strings.Contains(said, parts[1]+" of backups is not what was backed up") {
		t.Errorf("%v: %s", err, said)
	}
}
