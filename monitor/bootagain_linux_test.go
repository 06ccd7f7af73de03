package monitor

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// startsAgain: cloud-init runs user data once, so what has failed then has to be there to be run again. This machine has a disk on
// which a run before it has begun to make a file system.
func (h *bootedHost) startsAgain(t *testing.T) {
	h.putOtherScript(t)
	said, err := h.debian.boot(t, "")
	if got := h.cloud.signalled(); err == nil || len(got) != 1 || got[0]["Status"] != "FAILURE" {
		t.Fatalf("%v, signals %v\n%s", err, got, said)
	}
	script, err := scriptParameters()
	if err != nil {
		t.Fatal(err)
	}
	h.cloud.put(script)
	if _, err := os.Stat(h.debian.path("etc/systemd/system/enabled/ephor-boot.service")); err != nil {
		t.Errorf("the next boot does not run it: %v", err)
	}
	h.scratch(t, "half a file system", 100<<20)
	h.debian.write(t, "/var/lib/ephor-formatting", "vol-0a\n", 0o600)
	said, err = runGroup(t, h.debian.command("systemctl", "restart", "ephor-boot.service"), func(line string) bool {
		return strings.Contains(line, " ephor: installing InfluxDB")
	})
	if err == nil || !strings.Contains(said, " ephor: installing InfluxDB") {
		t.Fatalf("%v, signals %v\n%s", err, h.cloud.signalled(), said)
	}
}

// units: what systemd is told, and that it knows it.
func (h *bootedHost) units(t *testing.T) {
	units := h.debian.path("etc/systemd/system")
	for _, name := range []string{"influxdb", "grafana-server", "nginx"} {
		if text, err := os.ReadFile(filepath.Join(units, name+".service.d", "ephor.conf")); err != nil || string(text) != "[Unit]\nConditionPathExists=/nonexistent\n" {
			t.Errorf("the package's own %s may run: %q, %v", name, text, err)
		}
	}
	if _, err := os.Stat(h.debian.path("vendors-service-runs")); err == nil {
		t.Error("Grafana's own service could run when its package was installed")
	}
	for _, name := range []string{"influxdb.service", "ephor-boot.service", "ephor-refresh.timer", "ephor-backup.timer", "amazon-ssm-agent.service"} {
		if _, err := os.Stat(filepath.Join(units, "enabled", name)); err != nil {
			t.Errorf("%s is not enabled: %v", name, err)
		}
	}
	log := string(must(os.ReadFile(h.debian.path("var/log/systemctl"))))
	if !strings.Contains(log, "restart ephor-refresh.timer ephor-backup.timer\n") {
		t.Errorf("timers go on as they were:\n%s", log)
	}
	for name, lines := range map[string][]string{
		"ephor-boot.service":  {"StartLimitIntervalSec=0", "Restart=on-failure", "RestartSec=60", "After=network-online.target"},
		"ephor-refresh.timer": {"OnActiveSec=1min", "OnUnitInactiveSec=1min", "AccuracySec=1s"}, // by itself systemd takes another minute
		"ephor-backup.timer":  {"OnActiveSec=10min", "OnUnitInactiveSec=1h"},
		"ephor-gate.service":  {"MemoryMax=400M", "OOMScoreAdjust=500"},
	} {
		text := string(must(os.ReadFile(filepath.Join(units, name))))
		for _, line := range lines {
			if !strings.Contains(text, "\n"+line+"\n") {
				t.Errorf("%s has no %s:\n%s", name, line, text)
			}
		}
	}
	for name, owns := range map[string][2]string{"ephor-store": {"influxdb", "/var/lib/ephor/influxdb"}, "ephor-gate": {"www-data", "/run/ephor-gate"}, "ephor-grafana": {"grafana", "/var/lib/ephor/grafana"}} {
		text := string(must(os.ReadFile(filepath.Join(units, name+".service"))))
		for _, line := range []string{"User=" + owns[0], "ReadWritePaths=" + owns[1], "Restart=always", "AssertPathIsMountPoint=/var/lib/ephor", "NoNewPrivileges=true", "CapabilityBoundingSet=",
			"ProtectSystem=strict", "ProtectHome=true", "ProtectClock=true", "ProtectControlGroups=true", "ProtectHostname=true", "ProtectKernelLogs=true", "ProtectKernelModules=true",
			"ProtectKernelTunables=true", "ProtectProc=invisible", "PrivateDevices=true", "PrivateTmp=true", "LockPersonality=true", "RemoveIPC=true", "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK",
			"RestrictNamespaces=true", "RestrictRealtime=true", "RestrictSUIDSGID=true", "SystemCallArchitectures=native"} {
			if !strings.Contains(text, "\n"+line+"\n") {
				t.Errorf("%s has no %s:\n%s", name, line, text)
			}
		}
		if got := strings.Contains(text, "\nIPAddressDeny=169.254.169.254 fd00:ec2::254\n"); got != (name != "ephor-grafana") {
			t.Errorf("%s is kept from the metadata service: %t", name, got)
		}
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("systemd-analyze is not installed: apt-get install systemd")
		return
	}
	files, err := filepath.Glob(filepath.Join(units, "ephor-*.*"))
	if err != nil || len(files) != 8 {
		t.Fatalf("the units %q, %v", files, err)
	}
	// Of the programs it says that they are not on this machine.
	out, _ := exec.Command(analyze, append([]string{"verify", "--man=no", "--recursive-errors=no"}, files...)...).CombinedOutput()
	for line := range strings.SplitSeq(string(out), "\n") {
		if strings.Contains(line, "ephor-") && (strings.Contains(line, "Unknown") || strings.Contains(line, "nvalid") || strings.Contains(line, "Failed to parse")) {
			t.Error(line)
		}
	}
}

// well: the host says that it is alive if what is written now comes out, if there is room, and while a backup is made.
func (h *bootedHost) well(t *testing.T) {
	f := func(want int, reason string) {
		t.Helper()
		h.cloud.heard()
		said := h.refresh(t)
		if n := h.cloud.heard(); n != want || !strings.Contains(said, reason) {
			t.Errorf("the host has said %d times that it is alive, want %d, and %q, want %q", n, want, said, reason)
		}
	}
	f(1, "")
	h.debian.run(t, "sh", "-ec", `have=$(df --output=avail --block-size 1 /var/lib/ephor | tail -n 1); fallocate --length "$((have * 97 / 100))" /var/lib/ephor/filler`)
	f(0, "not well: the volume is full but for ")
	said, err := h.debian.boot(t, "")
	if got := h.cloud.signalled(); err == nil || len(got) != 1 || got[0]["Status"] != "FAILURE" || !strings.Contains(got[0]["Reason"], "the host is not well: the volume is full but for ") {
		t.Errorf("a boot with a full volume: %v, signals %v\n%s", err, got, said)
	}
	h.debian.run(t, "rm", "/var/lib/ephor/filler")
	f(1, "")
	h.debian.run(t, "sh", "-c", "cd /etc/ephor && cp writer.password away && echo wrong >writer.password")
	f(0, "not well: the store does not take a point")
	h.debian.run(t, "mv", "/etc/ephor/away", "/etc/ephor/writer.password")

	h.cloud.heard()
	if out, err := h.debian.command("flock", "/run/ephor/lock", "systemctl", "restart", "ephor-refresh.service").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	if n := h.cloud.heard(); n != 1 {
		t.Errorf("while another has the lock, the host has said %d times that it is alive", n)
	}
}

// replacesScript: what the user data name is what runs.
func (h *bootedHost) replacesScript(t *testing.T) {
	h.debian.write(t, "/usr/local/sbin/ephor-boot", "#!/bin/sh\ntouch /the-old-script-has-run\n", 0o755)
	h.succeeds(t, 0)
	if _, err := os.Stat(h.debian.path("the-old-script-has-run")); err == nil {
		t.Error("the script that was on the disk has run, and it is not the one that the user data name")
	}
}
