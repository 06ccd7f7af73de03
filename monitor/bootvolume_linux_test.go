package monitor

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// resize makes the disk larger, by MiB in all.
func (h *bootedHost) resize(t *testing.T, megabytes int64) {
	t.Helper()
	if err := os.Truncate(h.debian.path("disk.img"), megabytes<<20); err != nil {
		t.Fatal(err)
	}
}

// scratch puts something into the disk that no program knows.
func (h *bootedHost) scratch(t *testing.T, text string, at int64) (was []byte) {
	t.Helper()
	disk, err := os.OpenFile(h.debian.path("disk.img"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	was = make([]byte, len(text))
	if _, err := disk.ReadAt(was, at); err != nil {
		t.Fatal(err)
	}
	if _, err := disk.WriteAt([]byte(text), at); err != nil {
		t.Fatal(err)
	}
	return was
}

// needsVolume: a machine whose boot has failed has no volume. What runs every minute and every hour makes no store on the
// machine's own disk then, which would be nobody's and everybody's; and it leaves a boot that has only begun alone.
func (h *bootedHost) needsVolume(t *testing.T) {
	ca := h.ca
	h.powerOff(t)
	bare := func() {
		t.Helper()
		for _, unit := range []string{"ephor-refresh", "ephor-backup"} {
			out, err := h.debian.command("systemctl", "restart", unit+".service").CombinedOutput()
			if err == nil || !strings.Contains(string(out), "the volume is not mounted") {
				t.Errorf("%s without the volume: %v: %s", unit, err, out)
			}
		}
		if out := h.debian.run(t, "ls", "-A", "/var/lib/ephor"); out != "" {
			t.Errorf("on the machine's own disk there is %s", out)
		}
		out, err := h.debian.command("touch", "/var/lib/ephor/x").CombinedOutput()
		switch immutable := h.canBeImmutable(t); {
		case err == nil && immutable:
			t.Errorf("where the volume is missing can be written: %s", out)
		case err == nil:
			h.debian.run(t, "rm", "/var/lib/ephor/x")
			t.Log("this machine's root may make nothing immutable: that the mount point cannot be written to was not seen")
		}
		if out, err := h.debian.command("systemctl", "restart", "ephor-store.service").CombinedOutput(); err == nil {
			t.Errorf("the store starts without the volume: %s", out)
		}
		if response, err := http.Get(fmt.Sprintf("https://127.0.0.1:%d/ping", h.storePort)); err == nil || !strings.Contains(err.Error(), "refused") {
			t.Errorf("a store answers: %v, %v", response, err)
		}
		if n := h.cloud.heard(); n != 0 {
			t.Error("without the volume the host says that it is alive")
		}
		if got := h.cloud.signalled(); len(got) > 0 {
			t.Errorf("what runs by itself has signalled the stack: %v", got)
		}
	}
	h.cloud.heard()
	bare()

	// While the start fetches the script, the lock is taken.
	h.debian.run(t, "mv", "/usr/local/sbin/ephor-boot", "/usr/local/sbin/the-one-before")
	tried := false
	h.cloud.onAsk(func(body string) {
		if !strings.Contains(body, "/script/") || tried {
			return
		}
		tried = true
		if out, err := h.debian.command("flock", "--nonblock", "/run/ephor/lock", "true").CombinedOutput(); err == nil {
			t.Errorf("the start has no lock: %s", out)
		}
		if out, err := h.debian.command("bash", "-c", ". /etc/ephor/settings && exec /usr/local/sbin/the-one-before refresh").CombinedOutput(); err != nil {
			t.Errorf("a refresh does not leave the start alone: %v: %s", err, out)
		}
	})
	h.succeeds(t, 0)
	h.cloud.onAsk(nil)
	if !tried {
		t.Error("the script was not fetched")
	}
	if !bytes.Equal(ca, h.ca) {
		t.Error("the machine has another certificate authority")
	}
}

// canBeImmutable tells whether a folder beside the mount point can be kept from being written to: not every file system and not
// every container's root does.
func (h *bootedHost) canBeImmutable(t *testing.T) bool {
	t.Helper()
	return h.debian.command("sh", "-ec", "cd /var/lib && mkdir -p try && chattr +i try && chattr -i try && rmdir try").Run() == nil
}

// keepsVolume: what blkid cannot make sense of is no empty volume.
func (h *bootedHost) keepsVolume(t *testing.T) {
	h.powerOff(t)
	ca := h.ca
	was := h.scratch(t, strings.Repeat("\x00", 1024), 1024) // ext4's superblock
	if out, err := exec.Command("blkid", "--probe", h.debian.path("disk.img")).CombinedOutput(); err == nil {
		t.Fatalf("blkid finds something: %s", out)
	}
	said, err := h.debian.boot(t, "")
	got := h.cloud.signalled()
	if err == nil || len(got) != 1 || !strings.Contains(got[0]["Reason"], "is not empty: nothing is done to it") {
		t.Fatalf("%v, signals %v\n%s", err, got, said)
	}
	h.scratch(t, string(was), 1024)
	h.succeeds(t, 0)
	if !bytes.Equal(ca, h.ca) {
		t.Error("the volume is another")
	}
}

// grows: a larger volume is a larger file system, at once and after a reboot. Where not even root has the capability that Linux
// asks for, what Linux says to that is told, and the machine goes on.
func (h *bootedHost) grows(t *testing.T) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	var effective uint64
	if _, text, ok := strings.Cut(string(status), "\nCapEff:"); !ok {
		t.Fatal("no capabilities in /proc/self/status")
	} else if _, err := fmt.Sscanf(text, "%x", &effective); err != nil {
		t.Fatal(err)
	}
	const sysResource = 24 // of capabilities(7)
	can := effective&(1<<sysResource) != 0
	held := func(said string, megabytes int) {
		t.Helper()
		n, err := strconv.Atoi(strings.TrimSpace(h.debian.run(t, "sh", "-c", "df --output=size --block-size 1M /var/lib/ephor | tail -n 1")))
		switch refused := strings.Contains(said, "the file system does not grow: ") && strings.Contains(said, "Permission denied to resize filesystem"); {
		case err != nil:
			t.Fatal(err)
		case can && (refused || n < megabytes):
			t.Errorf("on the larger volume there are %d MiB, want %d: %s", n, megabytes, said)
		case !can && !refused:
			t.Errorf("the file system was not to grow: %s", said)
		}
	}
	set := func(megabytes int64) {
		t.Helper()
		h.resize(t, megabytes)
		h.debian.run(t, "sh", "-c", `losetup --set-capacity "$(findmnt --noheadings --output SOURCE /var/lib/ephor)"`)
	}
	set(900)
	out, err := h.debian.command("systemctl", "restart", "ephor-refresh.service").CombinedOutput()
	if (err == nil) != can {
		t.Errorf("%v: %s", err, out)
	}
	held(string(out), 700)
	h.powerOff(t)
	h.resize(t, 1200)
	held(h.succeeds(t, 0), 1000)
	if !can {
		t.Log("this machine's root has no CAP_SYS_RESOURCE: that a file system grows was not seen")
		set(600)
	}
}
