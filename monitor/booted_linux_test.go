package monitor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/dashboard"
	"github.com/ephor-io/ephor/laptop/ssm"
)

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
	for _, path := range []string{"/debug/vars", "/debug/requests", "/debug/pprof/", "/debug/pprof/cmdline", "/metrics", "/status", "/health", "/", "/api/v1/prom/read", "/api/v2/query",
		"//debug/vars", "/ping/../debug/vars", "/%64ebug/vars"} {
		f("the anonymous at "+path, 404, "GET", path, nil, "", "", "")
	}
	f("the anonymous at a path that ends elsewhere", 204, "GET", "/debug/vars/../../ping", nil, "", "", "")
	f("the anonymous deletes", 403, "DELETE", "/query", q, "", "", "")
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
	if got := query("SHOW RETENTION POLICIES"); !strings.Contains(got, `["raw","168h0m0s","1h0m0s",1,true]`) ||
		!strings.Contains(got, `["rollup_10s","2160h0m0s","168h0m0s",1,false]`) || !strings.Contains(got, `["rollup_1m","2160h0m0s","168h0m0s",1,false]`) {
		t.Errorf("the retention policies: %s", got)
	}
	if got := query(`SELECT * FROM "ranges"."ranges"`); strings.Count(got, `"rollup_1m"`) != 3 || strings.Count(got, `"raw"`) != 2 {
		t.Errorf("the ranges: %s", got) // each once as a value, raw as a column too
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
			"errors": 1.0, "cold": 1.0, "init_sum": 100.0, "init_p50": 100.0, "environments": 4.0, "init_max": 100.0, "memory_max": 20.0},
		"hellos":    {"function": "f", "version": "1", "count": 5.0},
		"sizes":     {"function": "f", "version": "1", "count": 3.0, "sum": 35.0, "min": 5.0, "max": 20.0, "sum_b_007": 2.0, "sum_b_008": 1.0},
		"publisher": {"function": "f", "version": "1", "flushes": 1.0, "begun": 1.0, "environments": 1.0, "dropped": 0.0, "retries": 2.0},
	}
	for _, policy := range []string{"rollup_10s", "rollup_1m"} {
		for measurement, w := range want {
			if policy == "rollup_1m" && measurement == "invocation" {
				w["upto_10"], w["upto_30"], w["upto_100"] = 1.0, 2.0, 1.0
			}
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

// powerOff: processes, mounts and /run are gone.
func (h *bootedHost) powerOff(t *testing.T) {
	t.Helper()
	h.debian.run(t, "bash", "-ec", `for f in /run/ephor-*.pid; do [ -e "$f" ] || continue; kill "$(cat "$f")"; tail --pid "$(cat "$f")" -f /dev/null; done; umount /var/lib/ephor; rm -rf /run/ephor*`)
}

// reboots: the volume is what it was.
func (h *bootedHost) reboots(t *testing.T) {
	h.powerOff(t)
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
	g := ephor.Grafana{Contacts: []ephor.Contact{}, Dashboards: []dashboard.Dashboard{
		{Title: "Sparta Hello World"}, {Title: "Another", Panels: []dashboard.Panel{dashboard.Gauge("depth")}}}}
	pieces, err := bundle(g)
	if err != nil {
		t.Fatal(err)
	}
	h.cloud.heard()
	h.cloud.show(pieces[:1])
	h.refresh(t)
	if got := search(); strings.Contains(got, "another") {
		t.Errorf("half a bundle is shown: %s", got)
	}
	h.cloud.show(pieces)
	h.refresh(t)
	for deadline := time.Now().Add(patience); !strings.Contains(search(), `"another"`); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the new dashboard does not come: %s", search())
		}
	}
	if n := h.cloud.heard(); n != 2 {
		t.Errorf("in two minutes the host has said %d times that it is alive", n)
	}
	if got := h.contactPoints(t); got != "[]" {
		t.Errorf("contacts that are gone are still there: %s", got)
	}
	if out, err := h.debian.command("find", "/etc/ephor/contacts", "-type", "f").CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("the URL of a contact that is gone is still there: %s%v", out, err)
	}
}

// contacts: the URL is Grafana's alone, and Grafana has it.
func (h *bootedHost) contacts(t *testing.T) {
	out, err := h.debian.command("sh", "-c", "cd /etc/ephor/contacts && stat -c '%a %U %n' * && cat 0").CombinedOutput()
	if want := "400 grafana 0\n" + slackURL; err != nil || string(out) != want {
		t.Errorf("%s%v, want %s", out, err, want)
	}
	want := `[{"name":"Ephor","type":"slack","uid":"ephor-0"},{"name":"Ephor","type":"sns","uid":"ephor-1"}]`
	if got := h.contactPoints(t); got != want {
		t.Errorf("the contact points %s, want %s", got, want)
	}
}

func (h *bootedHost) contactPoints(t *testing.T) string {
	t.Helper()
	status, text := h.ask(t, "GET", fmt.Sprintf("https://127.0.0.1:%d/api/v1/provisioning/contact-points", h.grafanaPort), "", "admin", h.cloud.password("GrafanaSecret"))
	if status != 200 {
		t.Fatalf("%d %s", status, text)
	}
	return strings.TrimSpace(text)
}

// refresh is what the timer does.
func (h *bootedHost) refresh(t *testing.T) string {
	t.Helper()
	return h.debian.run(t, "systemctl", "restart", "ephor-refresh.service")
}

// marks: what a parameter says stands in the store at the time when it was changed, once; one as old as what the store
// forgets is left alone, and a mark is what Mark makes of it.
func (h *bootedHost) marks(t *testing.T) {
	put := func(name, value string) ssm.Parameter {
		t.Helper()
		p, err := h.cloud.store.PutParameter(ssm.ParameterInput{Name: name, Value: value}, true)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	query := func() string {
		t.Helper()
		status, text := h.store(t, "GET", "/query", url.Values{"db": {Database}, "epoch": {"ns"}, "q": {`SELECT "text" FROM "` + marksPolicy + `"."deploy"`}}, "", "reader", h.cloud.password("ReaderSecret"))
		if status != 200 {
			t.Fatalf("%d %s", status, text)
		}
		return text
	}
	h.refresh(t)
	if got := query(); strings.Contains(got, "values") {
		t.Errorf("nothing was deployed, and marked is %s", got)
	}
	first := put("/ephor/Hello-Monitoring/deploys/Shop", `v1 "one", \1`)
	h.refresh(t)
	h.refresh(t)
	second := put("/ephor/Hello-Monitoring/deploys/Shop", "v2")
	put("/ephor/Other-Monitoring/deploys/Shop", "another stack's")
	h.refresh(t)
	ns := func(p ssm.Parameter) string { return fmt.Sprint(p.Modified.UnixMilli() * int64(time.Millisecond)) }
	if got, want := query(), `"values":[[`+ns(first)+`,"v1 \"one\", \\1"],[`+ns(second)+`,"v2"]]`; !strings.Contains(got, want) {
		t.Errorf("marked is %s, want %s", got, want)
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
	if response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/query?q=SHOW+USERS", h.storePort)); err == nil {
		response.Body.Close()
		t.Errorf("the store that was being made answers whoever asks, after the failure: %s", response.Status)
	}
	var line int
	if _, err := fmt.Sscanf(reason, "ephor-boot, line %d (making the database, its users and its rollups): the store refuses: ", &line); err != nil {
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
	h.debian.run(t, "dpkg", "--purge", "--force-hold", "grafana")
	said, err := h.debian.boot(t, "")
	got := h.cloud.signalled()
	if err == nil || len(got) != 1 || !strings.Contains(got[0]["Reason"], "the key at file:///srv/grafana/key.asc is not 0000") {
		t.Errorf("%v, signals %v\n%s", err, got, said)
	}
	if out, err := h.debian.command("test", "-e", "/usr/share/grafana/bin/grafana").CombinedOutput(); err == nil {
		t.Errorf("the package of a repository with another key was installed: %s", out)
	}
}

// refusesScripts: what does not have the checksum of the user data is not run, and says so; and what is there already is
// asked for nowhere.
func (h *bootedHost) refusesScripts(t *testing.T) {
	h.putOtherScript(t)
	h.debian.run(t, "sh", "-c", "rm /usr/local/sbin/ephor-boot")
	said, err := h.debian.boot(t, "")
	got := h.cloud.signalled()
	var line int
	if err == nil || len(got) != 1 {
		t.Fatalf("%v, signals %v\n%s", err, got, said)
	}
	if _, err := fmt.Sscanf(got[0]["Reason"], "ephor-start, line %d (fetching the boot script): what stands under /ephor/Hello-Monitoring/script/", &line); err != nil {
		t.Errorf("the reason %q: %v", got[0]["Reason"], err)
	} else if text := strings.Split(startScript(), "\n")[line-1]; !strings.Contains(text, "wrong \"what stands under") {
		t.Errorf("line %d is %q", line, text)
	}
	if out, err := h.debian.command("test", "-e", "/evil").CombinedOutput(); err == nil {
		t.Errorf("another script was run: %s", out)
	}
}

// putOtherScript puts into the stack a script that the user data do not name.
func (h *bootedHost) putOtherScript(t *testing.T) {
	t.Helper()
	whole, err := scriptParameters()
	if err != nil {
		t.Fatal(err)
	}
	other, err := packed(strings.Replace(Script(), "set -Eeuo pipefail", "touch /evil", 1))
	if err != nil {
		t.Fatal(err)
	}
	pieces := cut(other)
	for i, id := range slices.Sorted(maps.Keys(whole)) {
		if i >= len(pieces) {
			t.Fatalf("the other script has %d pieces of %d", len(pieces), len(whole))
		}
		whole[id].Properties["Value"] = pieces[i]
	}
	h.cloud.put(whole)
}
