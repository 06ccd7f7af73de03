package monitor

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/cfn/parse"
	"github.com/ephor-io/ephor/laptop/secretsmanager"
)

// patience is how long something may take that is bound to happen.
const patience = 2 * time.Minute

// steps are what the script says that it begins with, in their order. At each it is killed once.
var steps = []string{
	"installing what this script", "fetching the boot script", "waiting for the address", "mounting the volume", "installing InfluxDB",
	"installing the agent", "looking for a backup", "making the certificates", "making the database", "opening the store", "starting Grafana",
	"checking", "arranging", "telling the stack",
}

// TestBootScriptWithStandInForGrafana runs the whole script in a Debian root: Debian's
// InfluxDB, the laptop's S3, and in Grafana's place a program that follows its documentation, because Debian has no
// package of it. Both come from repositories of the test's own, signed with keys of its own, which is all that differs
// from the vendors': the script is told their addresses and fingerprints.
func TestBootScriptWithStandInForGrafana(t *testing.T) {
	if os.Getenv("EPHOR_BOOT_TEST") == "" {
		t.Skip("installs a Debian from its mirror, and takes minutes: set EPHOR_BOOT_TEST=1, as root")
	}
	d := newDebian(t)
	c := newCloud(t)
	h := &bootedHost{t: t, debian: d, cloud: c, storePort: free(t), grafanaPort: free(t)}
	h.prepare()

	// Each stands on what the one before has left.
	run := func(name string, f func(*testing.T)) {
		if !t.Failed() {
			t.Run(name, f)
		}
	}
	run("a first boot that fails is there to be started again", h.startsAgain)
	run("killed while packages are installed", h.installsAgain)
	run("killed at every step", func(t *testing.T) {
		for _, step := range steps {
			said, err := d.boot(t, step)
			t.Logf("killed at %q", step)
			if err == nil || !strings.Contains(said, " ephor: "+step) {
				t.Fatalf("the script was not killed at %q: %v\n%s", step, err, said)
			}
			h.tellsNothing(said)
		}
		if s := c.signalled(); len(s) > 0 {
			t.Errorf("a killed script has signalled: %v", s)
		}
	})
	run("to its end", func(t *testing.T) { h.succeeds(t, 1) })
	run("takes the volume over", func(t *testing.T) {
		want := []string{"StopInstances " + before, "DetachVolume ", "AttachVolume " + self}
		if diff := cmp.Diff(want, c.changed()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	run("doors", h.doors)
	run("units", h.units)
	run("rollups", h.rollups)
	run("contacts", h.contacts)
	run("again, and no second signal", func(t *testing.T) {
		ca := h.ca
		h.succeeds(t, 0)
		if !bytes.Equal(ca, h.ca) {
			t.Error("the second run has made another certificate authority")
		}
	})
	run("doors are still shut", h.doors)
	run("after a reboot", h.reboots)
	run("no store without the volume", h.needsVolume)
	run("what is on the volume stays", h.keepsVolume)
	run("the volume grows", h.grows)
	run("what is well", h.well)
	run("another script on the disk", h.replacesScript)
	run("an empty volume gets the last whole backup", h.restores)
	run("doors are shut after it", h.doors)
	run("new passwords", func(t *testing.T) {
		for _, id := range []string{"WriterSecret", "ReaderSecret", "AdminSecret", "GrafanaSecret"} {
			text := fmt.Sprintf(`{"username":"x","password":"changed%s"}`, id)
			if _, err := c.secrets.PutSecretValue(c.arns[id], secretsmanager.SecretInput{SecretString: text}, nil); err != nil {
				t.Fatal(err)
			}
		}
		h.succeeds(t, 0)
		h.doors(t)
	})
	run("new dashboards reach a running host", h.refreshes)
	run("deploys are marked", h.marks)
	run("a failure names its line", h.fails)
	run("no other key", h.refusesKeys)
	run("no other script", h.refusesScripts)
}

type bootedHost struct {
	t                      *testing.T
	debian                 *debian
	cloud                  *cloud
	storePort, grafanaPort int
	ca                     []byte        // the last run's, from its signal or the volume
	away                   *atomic.Int64 // how many more requests the repository does not answer
}

func free(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// prepare makes the machine as EC2 would hand it over: Debian, a disk to come, and user data.
func (h *bootedHost) prepare() {
	t, d, c := h.t, h.debian, h.cloud
	debs, err := filepath.Glob(d.path("var/cache/apt/archives/influxdb_*.deb"))
	if err != nil || len(debs) != 1 {
		t.Fatalf("Debian's package of InfluxDB: %q, %v", debs, err)
	}
	d.run(t, "sh", "-ec", "dpkg --purge influxdb; if id influxdb; then userdel influxdb; fi") // as on an image that has never had it
	d.write(t, "/usr/local/sbin/systemctl", string(must(os.ReadFile("testdata/systemctl.sh"))), 0o755)
	d.run(t, "mkdir", "-p", "/etc/systemd/system")
	program := filepath.Join(t.TempDir(), "grafana")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", program, "../internal/grafanatest/grafana")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the stand-in: %v\n%s", err, out)
	}
	text, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	grafana := pack(t, "grafana", "13.2.3", `[ -e /etc/systemd/system/grafana-server.service.d/ephor.conf ] || touch /vendors-service-runs
`+standStill("configured")+"getent passwd grafana >/dev/null || useradd --system --user-group --no-create-home grafana\n",
		map[string]string{"usr/share/grafana/bin/grafana": string(text), "DEBIAN/preinst": "#!/bin/sh\nset -e\n" + standStill("unpacked")})
	agent, err := os.ReadFile(pack(t, "amazon-ssm-agent", "3", "", map[string]string{"usr/bin/amazon-ssm-agent": "#!/bin/sh\n",
		"usr/lib/systemd/system/amazon-ssm-agent.service": "[Service]\nType=oneshot\nExecStart=/usr/bin/amazon-ssm-agent\n"}))
	if err != nil {
		t.Fatal(err)
	}
	d.write(t, "/srv/agent.deb", string(agent), 0o644)
	// The vendor's package fails where its service cannot be enabled; Debian's does not try.
	d.run(t, "sh", "-ec", `dpkg-deb -R "$1" /tmp/influxdb; printf 'systemctl enable influxdb\n' >>/tmp/influxdb/DEBIAN/postinst; dpkg-deb -Znone -b /tmp/influxdb "$1"; rm -r /tmp/influxdb`, "sh", strings.TrimPrefix(debs[0], d.dir))
	_, influxKey, influxPrint := d.repository(t, "influxdata", debs[0])
	influxSource := h.repositoryThatIsAway(t, "influxdata")
	grafanaSource, grafanaKey, grafanaPrint := d.repository(t, "grafana", grafana)
	d.env = append(c.environment(),
		"EPHOR_INFLUXDB_SOURCE="+influxSource, "EPHOR_INFLUXDB_KEY="+influxKey, "EPHOR_INFLUXDB_FINGERPRINT="+influxPrint,
		"EPHOR_GRAFANA_SOURCE="+grafanaSource, "EPHOR_GRAFANA_KEY="+grafanaKey, "EPHOR_GRAFANA_FINGERPRINT="+grafanaPrint,
		"EPHOR_AGENT=file:///srv/agent.deb", "EPHOR_PAUSE=0.2", "EPHOR_BACKUP_PORT="+strconv.Itoa(free(t)), "EPHOR_INNER_PORT="+strconv.Itoa(free(t)), "EPHOR_BACKUP_PIECE=20000")
	// Debian's own repository is not needed, and not asked.
	d.write(t, "/etc/apt/sources.list", "", 0o644)

	if err := os.WriteFile(d.path("disk.img"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	h.resize(t, 600)
	c.setAttach(func() {
		d.run(t, "ln", "-sf", "/disk.img", "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0a")
	})
	version, err := exec.Command("dpkg-deb", "--field", debs[0], "Version").Output()
	if err != nil {
		t.Fatal(err)
	}
	d.write(t, "/user-data", h.userData(strings.TrimSpace(string(version))), 0o600)
	c.data = func() string { return string(must(os.ReadFile(d.path("user-data")))) }
	g := hello()
	g.Contacts = contacts()
	pieces, err := bundle(g)
	if err != nil {
		t.Fatal(err)
	}
	c.show(pieces)
	c.makeBucket("backups")
	script, err := scriptParameters()
	if err != nil {
		t.Fatal(err)
	}
	c.put(script)
}

// resolved answers the references in the user data.
type resolved struct{ *bootedHost }

func (r resolved) Ref(id string) (any, error) {
	switch {
	case strings.HasPrefix(id, "HostReadyHandle"):
		return r.cloud.server.URL + "/signal?" + signature, nil
	case id == "HostAddress":
		return "127.0.0.1", nil
	case id == "DataVolume":
		return "vol-0a", nil
	case id == BackupBucket:
		return "backups", nil
	case r.cloud.arns[id] != "":
		return r.cloud.arns[id], nil
	}
	return id, nil
}

func (r resolved) Attribute(id, name string) (any, error) { return id + "." + name, nil }

// userData is what CloudFormation would give the machine, but for the two ports.
func (h *bootedHost) userData(influxdb string) string {
	h.t.Helper()
	template, err := parse.Parse(text(h.t))
	if err != nil {
		h.t.Fatal(err)
	}
	host, err := scopeOf(template, resolved{h}, influxdb).Properties("Host")
	if err != nil {
		h.t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(host["UserData"].(string))
	if err != nil {
		h.t.Fatal(err)
	}
	if len(raw) > MaxUserData {
		h.t.Errorf("the user data have %d bytes", len(raw))
	}
	return strings.NewReplacer("EPHOR_STORE_PORT='8086'", fmt.Sprintf("EPHOR_STORE_PORT='%d'", h.storePort),
		"EPHOR_GRAFANA_PORT='3000'", fmt.Sprintf("EPHOR_GRAFANA_PORT='%d'", h.grafanaPort)).Replace(string(raw))
}
