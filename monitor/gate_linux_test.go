package monitor

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// TestGateLetsThreeRequestsThrough to Debian's InfluxDB, by TLS: what else that answers without a password, the network does
// not see.
func TestGateLetsThreeRequestsThrough(t *testing.T) {
	t.Parallel()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		if nginx = "/usr/sbin/nginx"; !executable(nginx) {
			t.Skip("nginx is not installed: apt-get install nginx")
		}
	}
	c := newCloud(t)
	k := newKeeper(t, c)
	k.env = append(k.env, "EPHOR_ADDRESS=127.0.0.1", "FAKE=eval \"$(declare -f run_gate | sed 's:/usr/sbin/nginx:"+nginx+":')\"\n"+unowned)
	k.must("run_store", "loopback")
	k.query("CREATE DATABASE ephor WITH DURATION 7d NAME raw")
	k.must("account", "admin", c.arns["AdminSecret"], `GRANT ALL PRIVILEGES TO "admin"`)
	k.must("account", "writer", c.arns["WriterSecret"], `GRANT WRITE ON "ephor" TO "writer"`)
	k.must("certificates")
	k.must("run_store", "network")
	pem, err := os.ReadFile(k.settings("ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatalf("no certificate: %s", pem)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport, Timeout: patience}
	address := "https://127.0.0.1:" + strconv.Itoa(k.port)
	f := func(want int, method, path, user, body string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, address+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if user != "" {
			r.SetBasicAuth(user, c.password(map[string]string{"writer": "WriterSecret", "admin": "AdminSecret"}[user]))
		}
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != want {
			t.Errorf("%s %s as %q: %s %v, want %d\n%s", method, path, user, response.Status, err, want, text)
		}
	}
	for _, path := range []string{"/", "/debug/vars", "/debug/requests", "/debug/pprof/", "/metrics", "/status", "/health", "//debug/vars", "/ping/../debug/vars", "/%64ebug/vars", "/api/v1/prom/read"} {
		f(404, "GET", path, "", "")
		f(404, "GET", path, "admin", "")
	}
	f(204, "GET", "/debug/vars/../../ping", "", "") // as /ping
	f(204, "GET", "/ping", "", "")
	f(204, "HEAD", "/ping", "", "")
	f(401, "GET", "/query?q=SHOW+DATABASES", "", "")
	f(401, "POST", "/write?db=ephor", "", "a b=1")
	f(403, "DELETE", "/query?q=SHOW+DATABASES", "admin", "")
	f(403, "GET", "/write?db=ephor", "writer", "")
	f(200, "GET", "/query?q=SHOW+DATABASES", "admin", "")
	f(204, "POST", "/write?db=ephor", "writer", strings.Repeat("a b=1\n", 1<<19)) // 3 MB, which is more than what nginx keeps
	f(403, "GET", "/query?db=ephor&q=SELECT+*+FROM+a", "writer", "")

	old := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	if c, err := tls.Dial("tcp", strings.TrimPrefix(address, "https://"), old); err == nil {
		c.Close()
		t.Error("the gate speaks TLS 1.1")
	}
	// Back to the way in without passwords: nobody comes to it from the network.
	k.must("run_store", "loopback")
	if response, err := client.Get(address + "/ping"); err == nil {
		response.Body.Close()
		t.Error("the gate is open while the store asks for no password")
	}
}

func executable(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode()&0o111 != 0
}

// TestGateSpeaksNoOldTLS, whatever OpenSSL would allow.
func TestGateSpeaksNoOldTLS(t *testing.T) {
	t.Parallel()
	k := newKeeper(t, newCloud(t))
	if text := k.must("gate_config"); strings.Count(text, "ssl_protocols") != 1 || !strings.Contains(text, "\n    ssl_protocols TLSv1.2 TLSv1.3;\n") {
		t.Error(text)
	}
}
