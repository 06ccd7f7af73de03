package command

import (
	"net"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/internal/grafana"
	"github.com/ephor-io/ephor/internal/grafanatest"
	"github.com/ephor-io/ephor/monitor"
)

// TestUpGrafanaRefuses: what cannot be is told before anything is started.
func TestUpGrafanaRefuses(t *testing.T) {
	old := filepath.Join(t.TempDir(), "grafana")
	if err := grafanatest.Install(old, "9.5.20"); err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(t.TempDir(), "grafana")
	if err := grafanatest.Install(home, "13.2.3"); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", t.TempDir())
	f := func(app *ephor.App, want int, text string, args ...string) {
		t.Helper()
		status, out, said := runProgram(t, app, append([]string{"up", "--state", t.TempDir()}, args...)...)
		if status != want || !strings.Contains(said, text) || out != "" || strings.Contains(said, "geheim") {
			t.Errorf("%q: status %d, want %d and %q, and no password: %s%s", args, status, want, text, out, said)
		}
	}
	f(shop(), 1, "Grafana is not on PATH", "--grafana")
	f(shop(), 1, "try: --grafana=/usr/share/grafana", "--grafana")
	f(shop(), 1, "/nowhere is no Grafana", "--grafana", "/nowhere")
	f(shop(), 1, "/nowhere is no Grafana", "--grafana=/nowhere")
	f(shop(), 1, "is Grafana 9.5.20, and the oldest that does is 10.0", "--grafana", old)
	f(shop(), 2, "is not the address of a Grafana", "--grafana=ftp://localhost")
	f(shop(), 2, "the address holds a password", "--grafana=http://admin:geheim@localhost:3000")
	for _, address := range []string{"admin:geheim@localhost:3000", "admin:geheim@localhost:3000/grafana", "ftp://admin:geheim@localhost/", "http://admin:geh%zz:geheim@localhost", "http://admin:geheim"} {
		f(shop(), 2, "is not the address of a Grafana", "--grafana="+address)
	}
	f(shop(), 2, "an organisation is the one of the token", "--grafana=http://localhost:3000/?auth_token=geheim")
	f(shop(), 2, "an organisation is the one of the token", "--grafana=http://localhost:3000/#geheim")
	f(shop(), 1, "looking for the Grafana at http://127.0.0.1:1: ", "--grafana=http://127.0.0.1:1")
	f(shop(), 1, "try: the address of a Grafana that runs", "--grafana=http://127.0.0.1:1")
	closed := httptest.NewServer(new(grafanatest.Server))
	defer closed.Close()
	f(shop(), 1, "try: GRAFANA_TOKEN=…", "--grafana="+closed.URL)
	f(shop(), 2, "grafana.example.com is not this machine", "--grafana=https://grafana.example.com")
	f(shop(), 2, "--grafana-port is for --grafana", "--grafana-port", "3001")
	f(shop(), 2, "is for a Grafana that up starts", "--grafana=http://localhost:3000", "--grafana-port", "3001")
	f(shop(), 2, "are both 3001", "--grafana", home, "--grafana-port", "3001", "--page-port", "3001")
	f(shop(), 2, "a path, an address, or nothing", "--grafana=")
	f(shop(), 2, "takes no argument", "sales")
	f(shop(), 2, "takes no argument", "--grafana=/nowhere", "sales")
	f(ephor.New("Shop"), 1, "has no monitoring", "--grafana")
}

// TestGuestTellsOfAStandIn: what a Grafana that runs does not take is told with a way out.
func TestGuestTellsOfAStandIn(t *testing.T) {
	shown, _ := shop().Monitoring()
	view, err := monitor.ViewOf(shown)
	if err != nil {
		t.Fatal(err)
	}
	store := httptest.NewServer(nil)
	store.Close() // nobody is there any more
	f := func(as grafanatest.Role, token, want string) {
		t.Helper()
		var there grafanatest.Server
		there.LetAs("theirs", as)
		server := httptest.NewServer(&there)
		defer server.Close()
		t.Setenv(grafanaToken, token)
		g := newGuest("Shop", server.URL)
		_, err := g.show(t.Context(), view, store.URL)
		var told strings.Builder
		if err == nil {
			t.Fatalf("%s: no error", want)
		}
		(&program{stderr: &told}).explain(err)
		if !strings.Contains(told.String(), want) || !strings.Contains(told.String(), server.URL) || strings.Contains(told.String(), "theirs") {
			t.Errorf("want %s: %s", want, &told)
		}
		if err := g.close(t.Context()); err != nil {
			t.Errorf("nothing was put there, and taking it away: %v", err)
		}
	}
	f(grafanatest.Admin, "", "try: GRAFANA_TOKEN=…")
	f(grafanatest.Admin, "wrong", "try: GRAFANA_TOKEN=…")
	f(grafanatest.Editor, "theirs", "a service account that is an administrator")
	f(grafanatest.Admin, "theirs\n", "docker run --network host")
}

// standInGrafana is a Grafana of up's, of a program in its place.
func standInGrafana(t *testing.T, said *strings.Builder) *ownGrafana {
	t.Helper()
	home := filepath.Join(t.TempDir(), "grafana")
	if err := grafanatest.Install(home, "13.2.3"); err != nil {
		t.Fatal(err)
	}
	found, err := grafana.Find(t.Context(), home)
	if err != nil {
		t.Fatal(err)
	}
	g := &ownGrafana{s: &session{terminal: newTerminal(said)}, config: grafana.Config{Program: found, Dir: t.TempDir(), Settings: monitor.GrafanaSettings}}
	t.Cleanup(func() {
		if err := g.close(t.Context()); err != nil {
			t.Error(err)
		}
		g.s.terminal.close()
	})
	return g
}

// TestUpGrafanaPortTakenBeforeAStandIn: a port that was asked for is not another.
func TestUpGrafanaPortTakenBeforeAStandIn(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	g := standInGrafana(t, &strings.Builder{})
	g.config.Port, g.config.Fixed = l.Addr().(*net.TCPAddr).Port, true
	_, err = g.show(t.Context(), monitor.View{}, "http://127.0.0.1:1")
	if err == nil || !strings.Contains(err.Error(), "asked for Grafana, is taken by another process") {
		t.Errorf("got %v", err)
	}
}

// TestAStandInForGrafanaThatDoesNotStay is started again three times, and no more.
func TestAStandInForGrafanaThatDoesNotStay(t *testing.T) {
	t.Parallel()
	var said strings.Builder
	g := standInGrafana(t, &said)
	if _, err := g.show(t.Context(), monitor.View{}, "http://127.0.0.1:1"); err != nil {
		t.Fatal(err)
	}
	kept := make(chan struct{})
	go func() { defer close(kept); g.keep(t.Context()) }()
	killed := map[int]bool{}
	for running := true; running; {
		g.mu.Lock()
		if g.running != nil && !killed[g.running.PID()] {
			killed[g.running.PID()] = true
			if err := syscall.Kill(g.running.PID(), syscall.SIGKILL); err != nil {
				t.Error(err)
			}
		}
		g.mu.Unlock()
		select {
		case <-kept:
			running = false
		case <-time.After(10 * time.Millisecond):
		}
	}
	if len(killed) != grafanaStarts+1 {
		t.Errorf("it has run %d times", len(killed))
	}
	if _, err := g.show(t.Context(), monitor.View{}, "http://127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "it stays down until up is started again") {
		t.Errorf("it shows something more: %v", err)
	}
	g.s.terminal.close()
	if text := said.String(); strings.Count(text, "it is started again") != grafanaStarts || !strings.Contains(text, "it has ended 4 times, and stays down") {
		t.Errorf("it was told: %s", text)
	}
}
