package monitor

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// succeeds runs the script to its end, and returns what it said; no secret may show on the way.
func (h *bootedHost) succeeds(t *testing.T, signals int) string {
	t.Helper()
	h.cloud.heard() // what was said before
	stop := h.watchCommandLines(t)
	said, err := h.debian.boot(t, "")
	seen := stop()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, said, h.logs())
	}
	if seen == 0 {
		t.Error("not one of the script's requests was seen, so their command lines were not either")
	}
	h.tellsNothing(said)
	h.readableByNobody(t)
	if n := h.cloud.heard(); n != 1 {
		t.Errorf("the host has said %d times that it is alive", n)
	}
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
	return said
}

func (h *bootedHost) logs() string {
	out, err := h.debian.command("sh", "-c", "tail -n 20 /var/log/ephor-*.log").CombinedOutput()
	return fmt.Sprintf("%s%v", out, err)
}

func (h *bootedHost) secrets() map[string]string {
	all := map[string]string{"the role's key": secretKey, "the session's token": session, "the contact's URL": slackURL}
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

// watchCommandLines looks, as often as it can, at what ps would show. stop tells how many requests of the script's it has seen: of a
// whole boot there are some, or their command lines were not looked at.
func (h *bootedHost) watchCommandLines(t *testing.T) (stop func() (seen int)) {
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
	return func() int {
		close(done)
		<-ended
		return seen
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

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}
