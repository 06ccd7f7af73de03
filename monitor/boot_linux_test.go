package monitor

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn/eval"
	"github.com/ephor-io/ephor/cfn/parse"
	"github.com/ephor-io/ephor/dashboard"
	"github.com/ephor-io/ephor/laptop/secretsmanager"
)

// patience is how long something may take that is bound to happen.
const patience = 2 * time.Minute

// steps are what the script says that it begins with, in their order. At each it is killed once.
var steps = []string{
	"installing what this script", "waiting for the address", "mounting the volume", "installing InfluxDB",
	"installing the agent", "making the certificates", "making the database", "opening the store", "starting Grafana",
	"checking", "arranging", "telling the stack",
}

// TestBootScriptWithStandInForGrafana runs the whole script in a Debian root: Debian's
// InfluxDB, and in Grafana's place a program that follows its documentation, because Debian has no
// package of it. Both come from repositories of the test's own, signed with keys of its own, which is all that differs
// from the vendors': the script is told their addresses and fingerprints.
func TestBootScriptWithStandInForGrafana(t *testing.T) {
	if testing.Short() {
		t.Skip("installs a Debian")
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
		if diff := cmp.Diff(want, c.calls); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	run("doors", h.doors)
	run("rollups", h.rollups)
	run("again, and no second signal", func(t *testing.T) {
		ca := h.ca
		h.succeeds(t, 0)
		if !bytes.Equal(ca, h.ca) {
			t.Error("the second run has made another certificate authority")
		}
	})
	run("doors are still shut", h.doors)
	run("after a reboot", h.reboots)
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
	run("a failure names its line", h.fails)
	run("no other key", h.refusesKeys)
}

type bootedHost struct {
	t                      *testing.T
	debian                 *debian
	cloud                  *cloud
	storePort, grafanaPort int
	ca                     []byte // the last run's, from its signal or the volume
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
	d.run(t, "dpkg", "--purge", "influxdb")
	program := filepath.Join(t.TempDir(), "grafana")
	build := exec.Command("go", "build", "-o", program, "../internal/grafanatest/grafana")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the stand-in: %v\n%s", err, out)
	}
	text, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	grafana := pack(t, "grafana", "13.2.3", "getent passwd grafana >/dev/null || useradd --system --user-group --no-create-home grafana\n",
		map[string]string{"usr/share/grafana/bin/grafana": string(text)})
	agent, err := os.ReadFile(pack(t, "amazon-ssm-agent", "3", "", map[string]string{"usr/bin/amazon-ssm-agent": "#!/bin/sh\n"}))
	if err != nil {
		t.Fatal(err)
	}
	d.write(t, "/srv/agent.deb", string(agent), 0o644)
	influxSource, influxKey, influxPrint := d.repository(t, "influxdata", debs[0])
	grafanaSource, grafanaKey, grafanaPrint := d.repository(t, "grafana", grafana)
	d.env = append(c.environment(),
		"EPHOR_INFLUXDB_SOURCE="+influxSource, "EPHOR_INFLUXDB_KEY="+influxKey, "EPHOR_INFLUXDB_FINGERPRINT="+influxPrint,
		"EPHOR_GRAFANA_SOURCE="+grafanaSource, "EPHOR_GRAFANA_KEY="+grafanaKey, "EPHOR_GRAFANA_FINGERPRINT="+grafanaPrint,
		"EPHOR_AGENT=file:///srv/agent.deb", "EPHOR_PAUSE=0.2", "EPHOR_BACKUP_PORT="+strconv.Itoa(free(t)))
	// Debian's own repository is not needed, and not asked.
	d.write(t, "/etc/apt/sources.list", "", 0o644)

	disk := d.path("disk.img")
	if err := os.WriteFile(disk, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(disk, 256<<20); err != nil {
		t.Fatal(err)
	}
	c.attach = func() {
		d.run(t, "ln", "-sf", "/disk.img", "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0a")
	}
	version, err := exec.Command("dpkg-deb", "--field", debs[0], "Version").Output()
	if err != nil {
		t.Fatal(err)
	}
	d.write(t, "/user-data", h.userData(strings.TrimSpace(string(version))), 0o600)
	pieces, err := bundle(hello())
	if err != nil {
		t.Fatal(err)
	}
	c.show(pieces)
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
	scope := &eval.Scope{
		Template: template, Conditions: map[string]bool{zoneGiven: false}, Resources: resolved{h},
		Pseudo: eval.Pseudo{StackName: "Hello-Monitoring", Region: "eu-central-1", AccountID: "000000000000"},
		Parameters: map[string]any{paramImage: "ami-1", paramInstanceType: "t4g.small", paramVolume: "20", paramAllowed: "127.0.0.1/32", ParamWriters: "0.0.0.0/0",
			paramZone: "", paramInfluxDB: influxdb, paramGrafana: "13.2.3", paramRawDays: "7", paramRollupDays: "90"},
	}
	host, err := scope.Properties("Host")
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

// succeeds runs the script to its end; no secret may show on the way.
func (h *bootedHost) succeeds(t *testing.T, signals int) {
	t.Helper()
	stop := h.watchCommandLines(t)
	said, err := h.debian.boot(t, "")
	stop()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, said, h.logs())
	}
	h.tellsNothing(said)
	h.readableByNobody(t)
	got := h.cloud.signalled()
	if len(got) != signals {
		t.Fatalf("%d signals, want %d: %v", len(got), signals, got)
	}
	if signals == 1 {
		parts := strings.Split(got[0]["Data"], ",")
		if got[0]["Status"] != "SUCCESS" || len(parts) != 3 ||
			parts[0] != fmt.Sprintf("https://127.0.0.1:%d", h.storePort) || parts[1] != fmt.Sprintf("https://127.0.0.1:%d", h.grafanaPort) {
			t.Fatalf("the signal %v", got[0])
		}
	}
	pem, err := h.debian.command("cat", "/var/lib/ephor/tls/ca.pem").Output()
	if err != nil {
		t.Fatal(err)
	}
	if signals == 1 {
		if want := base64.StdEncoding.EncodeToString(pem); strings.Split(got[0]["Data"], ",")[2] != want {
			t.Error("the certificate in the signal is not the authority's")
		}
	}
	h.ca = pem
}

func (h *bootedHost) logs() string {
	out, err := h.debian.command("sh", "-c", "tail -n 20 /var/log/ephor-*.log").CombinedOutput()
	return fmt.Sprintf("%s%v", out, err)
}

func (h *bootedHost) secrets() map[string]string {
	all := map[string]string{"the role's key": secretKey, "the session's token": session}
	for id := range h.cloud.arns {
		all[id] = h.cloud.password(id)
	}
	return all
}

func (h *bootedHost) tellsNothing(said string) {
	h.t.Helper()
	for name, secret := range h.secrets() {
		if strings.Contains(said, secret) {
			h.t.Errorf("%s is in what the script says", name)
		}
	}
	if strings.Contains(said, signature) {
		h.t.Error("the address to signal to is in what the script says")
	}
}

// watchCommandLines looks, as often as it can, at what ps would show.
func (h *bootedHost) watchCommandLines(t *testing.T) (stop func()) {
	secrets, done, ended := h.secrets(), make(chan struct{}), make(chan struct{})
	secrets["the address to signal to"] = signature
	seen := 0
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			default:
			}
			time.Sleep(2 * time.Millisecond)
			lines, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the pattern is ours
			for _, file := range lines {
				text, err := os.ReadFile(file)
				if err != nil {
					continue // it has ended
				}
				if bytes.Contains(text, []byte("curl\x00")) {
					seen++
				}
				for name, secret := range secrets {
					if bytes.Contains(text, []byte(secret)) {
						t.Errorf("%s is on a command line: %q", name, text)
					}
				}
			}
		}
	}()
	return func() {
		close(done)
		<-ended
		if seen == 0 {
			t.Error("not one of the script's requests was seen, so their command lines were not either")
		}
	}
}

// readableByNobody walks what the script writes for secrets that others may read.
func (h *bootedHost) readableByNobody(t *testing.T) {
	t.Helper()
	looked := 0
	for _, dir := range []string{"etc", "var/log", "tmp", "run", "usr/local", "var/tmp"} {
		err := filepath.WalkDir(h.debian.path(dir), func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := e.Info()
			if err != nil || !info.Mode().IsRegular() {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			looked++
			for name, secret := range h.secrets() {
				if bytes.Contains(text, []byte(secret)) && info.Mode()&0o007 != 0 {
					t.Errorf("%s stands in %s, with the mode %s", name, path, info.Mode())
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if looked < 50 {
		t.Errorf("only %d files were looked at", looked)
	}
}

func (h *bootedHost) client(t *testing.T) *http.Client {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(h.ca) {
		t.Fatalf("no certificate: %q", h.ca)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

// store asks the store from outside.
func (h *bootedHost) store(t *testing.T, method, path string, form url.Values, body, user, password string) (int, string) {
	t.Helper()
	return h.ask(t, method, fmt.Sprintf("https://127.0.0.1:%d%s?%s", h.storePort, path, form.Encode()), body, user, password)
}

func (h *bootedHost) ask(t *testing.T, method, address, body, user, password string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		r.SetBasicAuth(user, password)
	}
	resp, err := h.client(t).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// doors: who may do what, seen from outside.
func (h *bootedHost) doors(t *testing.T) {
	db, q := url.Values{"db": {Database}}, url.Values{"db": {Database}, "q": {"SHOW MEASUREMENTS"}}
	f := func(what string, want int, method, path string, form url.Values, body, user, password string) {
		t.Helper()
		if got, text := h.store(t, method, path, form, body, user, password); got != want {
			t.Errorf("%s: %d %s, want %d", what, got, text, want)
		}
	}
	writer, reader, admin := h.cloud.password("WriterSecret"), h.cloud.password("ReaderSecret"), h.cloud.password("AdminSecret")
	f("the anonymous reads", 401, "GET", "/query", q, "", "", "")
	f("the anonymous writes", 401, "POST", "/write", db, "a b=1", "", "")
	f("the anonymous makes an administrator", 401, "POST", "/query", url.Values{"q": {`CREATE USER "x" WITH PASSWORD 'x' WITH ALL PRIVILEGES`}}, "", "", "")
	f("a wrong password", 401, "POST", "/write", db, "a b=1", "writer", "wrong")
	f("the writer writes", 204, "POST", "/write", db, "a b=1", "writer", writer)
	f("the writer reads", 403, "GET", "/query", url.Values{"db": {Database}, "q": {"SELECT * FROM a"}}, "", "writer", writer)
	f("the writer drops", 403, "POST", "/query", url.Values{"q": {"DROP DATABASE ephor"}}, "", "writer", writer)
	f("the reader reads", 200, "GET", "/query", url.Values{"db": {Database}, "q": {"SELECT * FROM a"}}, "", "reader", reader)
	f("the reader writes", 403, "POST", "/write", db, "a b=1", "reader", reader)
	f("the reader drops", 403, "POST", "/query", url.Values{"q": {"DROP DATABASE ephor"}}, "", "reader", reader)
	f("the administrator", 200, "GET", "/query", url.Values{"q": {"SHOW USERS"}}, "", "admin", admin)

	address := fmt.Sprintf("https://127.0.0.1:%d", h.storePort)
	if _, err := http.Get(address + "/ping"); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("the store's certificate is taken by who does not know its authority: %v", err)
	}
	if resp, err := http.Get("http://" + strings.TrimPrefix(address, "https://") + "/ping"); err == nil {
		resp.Body.Close()
		if resp.StatusCode < 400 {
			t.Errorf("the store answers without TLS: %s", resp.Status)
		}
	}
	grafana := fmt.Sprintf("https://127.0.0.1:%d", h.grafanaPort)
	if got, text := h.ask(t, "GET", grafana+"/api/health", "", "", ""); got != 200 {
		t.Errorf("Grafana's health: %d %s", got, text)
	}
	if got, _ := h.ask(t, "GET", grafana+"/api/search", "", "admin", "admin"); got != 401 {
		t.Errorf("Grafana lets in its default password: %d", got)
	}
	got, text := h.ask(t, "GET", grafana+"/api/search", "", "admin", h.cloud.password("GrafanaSecret"))
	if got != 200 || !strings.Contains(text, `"sparta-hello-world"`) {
		t.Errorf("Grafana's dashboards: %d %s", got, text)
	}
}

// rollups: what was written shows in both, with the percentiles of its own window.
func (h *bootedHost) rollups(t *testing.T) {
	admin := h.cloud.password("AdminSecret")
	query := func(q string) string {
		t.Helper()
		status, text := h.store(t, "GET", "/query", url.Values{"db": {Database}, "epoch": {"s"}, "q": {q}}, "", "admin", admin)
		if status != 200 {
			t.Fatalf("%s: %d %s", q, status, text)
		}
		return text
	}
	if got := query("SHOW RETENTION POLICIES"); !strings.Contains(got, `["raw","168h0m0s","24h0m0s",1,true]`) ||
		!strings.Contains(got, `["rollup_10s","2160h0m0s","168h0m0s",1,false]`) || !strings.Contains(got, `["rollup_1m","2160h0m0s","168h0m0s",1,false]`) {
		t.Errorf("the retention policies: %s", got)
	}
	now := time.Now().UnixNano()
	var points strings.Builder
	for i, ms := range []int{10, 20, 30, 40} {
		fmt.Fprintf(&points, "invocation,function=f,instance=i%d,version=1 duration_ms=%d,ok=%t,cold=%t,memory_mb=20 %d\n", i, ms, ms < 40, i == 0, now+int64(i))
	}
	fmt.Fprintf(&points, "invocation,function=f,instance=i0,version=1 init_ms=100 %d\n", now)
	fmt.Fprintf(&points, "hellos,function=f,instance=i0,version=1 count=2i,total=2i %d\nhellos,function=f,instance=i1,version=1 count=3i,total=3i %d\n", now, now)
	fmt.Fprintf(&points, "sizes,function=f,instance=i0,version=1 count=2i,sum=30,min=10,max=20,b_007=1i,b_008=1i %d\nsizes,function=f,instance=i1,version=1 count=1i,sum=5,min=5,max=5,b_007=1i %d\n", now, now)
	fmt.Fprintf(&points, "publisher,function=f,instance=i0,version=1 seq=1i,dropped=0i,retries=2i %d\n", now)
	if status, text := h.store(t, "POST", "/write", url.Values{"db": {Database}}, points.String(), "writer", h.cloud.password("WriterSecret")); status != 204 {
		t.Fatalf("writing: %d %s", status, text)
	}
	type row = map[string]any
	read := func(policy, measurement string) row {
		var answer struct {
			Results []struct {
				Series []struct {
					Columns []string
					Values  [][]any
				}
			}
		}
		text := query(fmt.Sprintf(`SELECT * FROM %q.%q WHERE time > %d`, policy, measurement, now-int64(2*time.Minute)))
		if err := json.Unmarshal([]byte(text), &answer); err != nil {
			t.Fatal(err)
		}
		out := row{}
		if len(answer.Results[0].Series) == 0 {
			return out
		}
		s := answer.Results[0].Series[0]
		for _, v := range s.Values {
			for i, c := range s.Columns {
				if v[i] != nil && c != "time" {
					out[c] = v[i]
				}
			}
		}
		return out
	}
	want := map[string]row{
		"invocation": {"function": "f", "version": "1", "count": 4.0, "sum": 100.0, "min": 10.0, "max": 40.0, "p50": 20.0, "p90": 40.0, "p99": 40.0,
			"errors": 1.0, "cold": 1.0, "init_sum": 100.0, "init_max": 100.0, "memory_max": 20.0},
		"hellos":    {"function": "f", "version": "1", "count": 5.0},
		"sizes":     {"function": "f", "version": "1", "count": 3.0, "sum": 35.0, "min": 5.0, "max": 20.0, "sum_b_007": 2.0, "sum_b_008": 1.0},
		"publisher": {"function": "f", "version": "1", "flushes": 1.0, "dropped_max": 0.0, "retries_max": 2.0},
	}
	for _, policy := range []string{"rollup_10s", "rollup_1m"} {
		for measurement, w := range want {
			deadline, diff := time.Now().Add(2*patience), ""
			for {
				if diff = cmp.Diff(w, read(policy, measurement)); diff == "" || time.Now().After(deadline) {
					break
				}
				time.Sleep(500 * time.Millisecond)
			}
			if diff != "" {
				t.Errorf("%s.%s (-want +got):\n%s", policy, measurement, diff)
			}
		}
	}
}

// reboots: processes, mounts and /run are gone, the volume is what it was.
func (h *bootedHost) reboots(t *testing.T) {
	h.debian.run(t, "bash", "-ec", `for f in /run/ephor-*.pid; do kill "$(cat "$f")"; tail --pid "$(cat "$f")" -f /dev/null; done; umount /var/lib/ephor; rm -rf /run/ephor*`)
	ca := h.ca
	h.succeeds(t, 0)
	if !bytes.Equal(ca, h.ca) {
		t.Error("the machine has another certificate authority")
	}
	status, text := h.store(t, "GET", "/query", url.Values{"db": {Database}, "q": {`SELECT count("duration_ms") FROM "invocation"`}}, "", "reader", h.cloud.password("ReaderSecret"))
	if status != 200 || !strings.Contains(text, `"values":[["1970-01-01T00:00:00Z",4]]`) {
		t.Errorf("what was measured before: %d %s", status, text)
	}
}

// refreshes: what the stack says is on the screen at the next look, and a stack in the middle of its change
// changes nothing.
func (h *bootedHost) refreshes(t *testing.T) {
	search := func() string {
		t.Helper()
		_, text := h.ask(t, "GET", fmt.Sprintf("https://127.0.0.1:%d/api/search", h.grafanaPort), "", "admin", h.cloud.password("GrafanaSecret"))
		return text
	}
	g := ephor.Grafana{Dashboards: []dashboard.Dashboard{
		{Title: "Sparta Hello World"}, {Title: "Another", Panels: []dashboard.Panel{dashboard.Gauge("depth")}}}}
	pieces, err := bundle(g)
	if err != nil {
		t.Fatal(err)
	}
	refresh := func() {
		t.Helper()
		h.debian.run(t, "bash", "-c", ". /etc/ephor/settings && exec /usr/local/sbin/ephor-boot refresh")
	}
	h.cloud.show(pieces[:1])
	refresh()
	if got := search(); strings.Contains(got, "another") {
		t.Errorf("half a bundle is shown: %s", got)
	}
	h.cloud.show(pieces)
	refresh()
	for deadline := time.Now().Add(patience); !strings.Contains(search(), `"another"`); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the new dashboard does not come: %s", search())
		}
	}
}

// fails: the stack learns in which line, and no secret.
func (h *bootedHost) fails(t *testing.T) {
	broken := strings.Replace(string(must(os.ReadFile(h.debian.path("user-data")))), "EPHOR_ROLLUP_DAYS='90'", "EPHOR_ROLLUP_DAYS='many'", 1)
	h.debian.write(t, "/user-data", broken, 0o600)
	said, err := h.debian.boot(t, "")
	if err == nil {
		t.Fatalf("the script succeeded:\n%s", said)
	}
	h.tellsNothing(said)
	got := h.cloud.signalled()
	if len(got) != 1 || got[0]["Status"] != "FAILURE" {
		t.Fatalf("the signals %v", got)
	}
	reason := got[0]["Reason"]
	h.tellsNothing(reason)
	var line int
	if _, err := fmt.Sscanf(reason, "boot script, line %d (making the database, its users and its rollups): the store refuses: ", &line); err != nil {
		t.Fatalf("the reason %q: %v", reason, err)
	}
	if text := strings.Split(Script(), "\n")[line-1]; !strings.Contains(text, "wrong \"the store refuses") {
		t.Errorf("line %d is %q", line, text)
	}
	h.debian.write(t, "/user-data", strings.Replace(broken, "EPHOR_ROLLUP_DAYS='many'", "EPHOR_ROLLUP_DAYS='90'", 1), 0o600)
	h.succeeds(t, 0)
}

// refusesKeys: a repository whose key is another is not added.
func (h *bootedHost) refusesKeys(t *testing.T) {
	env := h.debian.env
	defer func() { h.debian.env = env }()
	h.debian.env = append([]string(nil), env...)
	for i, e := range h.debian.env {
		if strings.HasPrefix(e, "EPHOR_GRAFANA_FINGERPRINT=") {
			h.debian.env[i] = "EPHOR_GRAFANA_FINGERPRINT=" + strings.Repeat("0", 40)
		}
	}
	h.debian.run(t, "dpkg", "--purge", "--force-hold", "--force-remove-essential", "grafana")
	said, err := h.debian.boot(t, "")
	got := h.cloud.signalled()
	if err == nil || len(got) != 1 || !strings.Contains(got[0]["Reason"], "the key at file:///srv/grafana/key.asc is not 0000") {
		t.Errorf("%v, signals %v\n%s", err, got, said)
	}
	if out, err := h.debian.command("test", "-e", "/usr/share/grafana/bin/grafana").CombinedOutput(); err == nil {
		t.Errorf("the package of a repository with another key was installed: %s", out)
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}
