package monitor

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// standStill is what a package's script does where the test is to kill it: it says so, and stays there.
func standStill(at string) string {
	return fmt.Sprintf("if [ -e /stand-still-%[1]s ]; then rm /stand-still-%[1]s; echo 'it is being %[1]s' >&2; sleep 600; fi\n", at)
}

// repositoryThatIsAway answers for a vendor's repository, but not at first.
func (h *bootedHost) repositoryThatIsAway(t *testing.T, vendor string) (source string) {
	t.Helper()
	h.away = new(atomic.Int64)
	h.away.Store(10)
	files := http.FileServer(http.Dir(h.debian.path("srv")))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.away.Add(-1) >= 0 {
			http.Error(w, "not now", http.StatusServiceUnavailable)
			return
		}
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/" + vendor + " stable main"
}

// installsAgain: a kill leaves a package that is not even unpacked, then one that is not configured. It has its
// version and no user; and the repository has to be asked again.
func (h *bootedHost) installsAgain(t *testing.T) {
	for _, c := range []struct{ at, status string }{{"unpacked", "install reinstreq half-installed"}, {"configured", "install ok half-configured"}} {
		h.debian.write(t, "/stand-still-"+c.at, "", 0o600)
		said, err := runGroup(t, h.debian.command("bash", "/user-data"), func(line string) bool { return line == "it is being "+c.at })
		if err == nil || !strings.Contains(said, "it is being "+c.at) {
			t.Fatalf("the script was not killed while Grafana is %s: %v\n%s", c.at, err, said)
		}
		if status := h.debian.run(t, "dpkg-query", "-W", "-f", "${Status}", "grafana"); status != c.status {
			t.Fatalf("Grafana's package is %q, and should be %q", status, c.status)
		}
	}
	if h.away.Load() > 0 {
		t.Error("the repository was asked too seldom")
	}
	said, err := h.debian.boot(t, "looking for a backup")
	if err == nil || !strings.Contains(said, " ephor: looking for a backup") {
		t.Fatalf("%v\n%s\nsignals: %v", err, said, h.cloud.signalled())
	}
	for _, vendor := range []string{"influxdata", "grafana"} {
		if out := h.debian.run(t, "gpg", "--show-keys", "--with-colons", "/etc/apt/keyrings/"+vendor+".gpg"); strings.Count(out, "pub:") != 1 || strings.Contains(out, "another of") {
			t.Errorf("more than the one key of %s is trusted:\n%s", vendor, out)
		}
	}
	h.debian.run(t, "sh", "-ec", "id influxdb; id grafana; dpkg --audit; [ -z \"$(dpkg --audit)\" ]")
}
