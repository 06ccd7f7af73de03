package grafana_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/ephor-io/ephor/internal/grafana"
	"github.com/ephor-io/ephor/internal/grafanatest"
)

// installed is a stand-in for Grafana that follows its documentation, because Debian has no package of it.
func installed(t *testing.T, version string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "a grafana")
	if err := grafanatest.Install(dir, version); err != nil {
		t.Fatal(err)
	}
	return dir
}

func board(uid string) []byte {
	return fmt.Appendf(nil, `{"uid": %q, "title": %q, "panels": []}`, uid, uid)
}

func files(dir string, boards ...string) map[string][]byte {
	all := map[string][]byte{
		"dashboards/a.yaml":  fmt.Appendf(nil, `{"apiVersion": 1, "providers": [{"options": {"path": %q}}]}`, grafana.ProvisioningFolder(dir)+"/json"),
		"datasources/a.yaml": []byte(`{"datasources": [{"name": "A", "uid": "a", "type": "influxdb", "access": "proxy", "url": "http://127.0.0.1:1"}]}`),
	}
	for _, b := range boards {
		all["json/"+b+".json"] = board(b)
	}
	return all
}

// config is one of a folder whose name has what settings have to be quoted for.
func config(t *testing.T, boards ...string) grafana.Config {
	t.Helper()
	program, err := grafana.Find(t.Context(), installed(t, "13.2.3"))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "a #1; b")
	return grafana.Config{Program: program, Dir: dir, Provisioning: files(dir, boards...), Settings: "[users]\nallow_sign_up = false\n"}
}

func start(t *testing.T, c grafana.Config) *grafana.Server {
	t.Helper()
	g, err := grafana.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

// ask is a request of somebody who says nothing of themselves.
func ask(t *testing.T, method, url string) (status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func shows(t *testing.T, g *grafana.Server) string {
	t.Helper()
	status, text := ask(t, http.MethodGet, g.URL()+"/api/search")
	var found []struct{ UID string }
	if err := json.Unmarshal([]byte(text), &found); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s %v", status, text, err)
	}
	var all []string
	for _, f := range found {
		all = append(all, f.UID)
	}
	return strings.Join(all, " ")
}

func TestStandInForGrafanaRuns(t *testing.T) {
	t.Setenv("GF_SERVER_HTTP_ADDR", "0.0.0.0")
	t.Setenv("GF_AUTH_ANONYMOUS_ORG_ROLE", "Admin")
	c := config(t, "one", "two")
	g := start(t, c)
	if !strings.HasPrefix(g.URL(), "http://127.0.0.1:") {
		t.Error(g.URL())
	}
	if got := shows(t, g); got != "one two" {
		t.Errorf("it shows %q", got)
	}
	// Whoever comes may look and change nothing.
	for path, method := range map[string]string{"/api/dashboards/db": "POST", "/api/datasources": "POST", "/api/admin/provisioning/dashboards/reload": "POST"} {
		if status, text := ask(t, method, g.URL()+path); status != http.StatusForbidden {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	// A page on the web that calls its own host by this machine's address is sent away.
	if status, _ := ask(t, http.MethodGet, strings.Replace(g.URL(), "127.0.0.1", "localhost", 1)+"/api/search"); status != http.StatusMovedPermanently {
		t.Errorf("another host is answered %d", status)
	}
	// It listens nowhere else.
	if address, ok := outward(t); ok {
		if conn, err := net.Dial("tcp", net.JoinHostPort(address, strconv.Itoa(g.Port()))); err == nil {
			conn.Close()
			t.Errorf("it listens on %s", address)
		}
	}
	if err := g.Provide(t.Context(), files(c.Dir, "two", "three")); err != nil {
		t.Fatal(err)
	}
	if got := shows(t, g); got != "three two" {
		t.Errorf("provided others, it shows %q", got)
	}
	wrong := files(c.Dir, "two")
	wrong["alerting/x.json"] = []byte(`{"groups": [{"name": ""}]}`)
	if err := g.Provide(t.Context(), wrong); err == nil || !strings.Contains(err.Error(), "name, folder and interval are required") {
		t.Errorf("rules that it does not take: %v", err)
	}
	g.Close()
	if _, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(g.Port()))); err == nil {
		t.Error("it still listens")
	}
	info, err := os.Stat(grafana.PasswordFile(c.Dir))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the password's file: %v, %v", info, err)
	}
	// Started again it knows its administrator, and takes the port that it is told.
	c.Port, c.Fixed = g.Port(), true
	if again := start(t, c); again.Port() != g.Port() {
		t.Errorf("port %d instead of %d", again.Port(), g.Port())
	}
}

// outward is an address of this machine that is not loopback, if it has one.
func outward(t *testing.T) (string, bool) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() {
			return n.IP.String(), true
		}
	}
	return "", false
}

func TestStandInForGrafanaDoesNotStart(t *testing.T) {
	t.Parallel()
	c := config(t)
	stranger, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	c.Port, c.Fixed = stranger.Addr().(*net.TCPAddr).Port, true
	var taken *grafana.PortTakenError
	if _, err := grafana.Start(t.Context(), c); !errors.As(err, &taken) || taken.Port != c.Port {
		t.Errorf("a port that is taken: %v", err)
	}
	c.Fixed = false
	if g := start(t, c); g.Port() == c.Port {
		t.Errorf("port %d is the stranger's", c.Port)
	}
	broken := config(t)
	broken.Provisioning["datasources/a.yaml"] = []byte("no")
	var ended *grafana.EndedError
	_, err = grafana.Start(t.Context(), broken)
	if !errors.As(err, &ended) || !strings.Contains(ended.Last, "invalid character") || !strings.Contains(err.Error(), broken.Dir) {
		t.Errorf("one that ends: %v", err)
	}
}

func TestStandInForGrafanaDies(t *testing.T) {
	t.Parallel()
	g := start(t, config(t))
	if err := syscall.Kill(g.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-g.Ended()
	var ended *grafana.EndedError
	if err := g.Err(); !errors.As(err, &ended) || !strings.Contains(err.Error(), "signal: killed") {
		t.Errorf("it ended: %v", err)
	}
}

func TestFind(t *testing.T) {
	dir := installed(t, "10.0.1")
	f := func(where, want string) {
		t.Helper()
		p, err := grafana.Find(t.Context(), where)
		got := p.Path + " " + p.Version
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q", where, got, want)
		}
	}
	own := filepath.Join(dir, "bin", "grafana")
	f(dir, own+" 10.0.1")
	f(own, own+" 10.0.1")
	f(filepath.Join(dir, "bin"), own+" 10.0.1")

	// A package's script on PATH, whose home is in share/.
	usr := t.TempDir()
	for _, folder := range []string{"sbin", "share"} {
		if err := os.Mkdir(filepath.Join(usr, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(dir, filepath.Join(usr, "share", "grafana")); err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(usr, "sbin", "grafana-server")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Join(usr, "sbin"))
	f("", filepath.Join(usr, "share", "grafana", "bin", "grafana")+" 10.0.1")

	t.Setenv("PATH", t.TempDir())
	f("", "Grafana is not on PATH: there is neither grafana nor grafana-server")
	f("/nowhere", "/nowhere is no Grafana: ")
	f(usr, usr+" is no Grafana: there is no bin/grafana in it")
	f("/bin/sh", "/bin/sh is no Grafana: there is no conf/defaults.ini beside")
	f(script, filepath.Join(usr, "share", "grafana", "bin", "grafana"))
}

func TestFindOld(t *testing.T) {
	t.Parallel()
	var old *grafana.OldError
	if _, err := grafana.Find(t.Context(), installed(t, "9.5.20")); !errors.As(err, &old) || !strings.Contains(err.Error(), "is Grafana 9.5.20, and the oldest that does is 10.0") {
		t.Error(err)
	}
	silent := installed(t, "13.0.0")
	if err := os.WriteFile(filepath.Join(silent, "bin", "grafana"), []byte("#!/bin/sh\necho 13\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := grafana.Find(t.Context(), silent); err == nil || !strings.Contains(err.Error(), "does not tell its version") {
		t.Error(err)
	}
}
