package metrics

import (
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// The environment's proxy is read once in a process, so each of these is a process of its own, which this test is
// run in again.
func TestTheEnvironmentsProxy(t *testing.T) {
	t.Parallel()
	if os.Getenv("PROXY_TEST_URL") != "" {
		publishThroughProxy(t)
		return
	}
	var stored []string
	var mu sync.Mutex
	encrypted := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		points, err := readBatch(r)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		stored = append(stored, r.Host+" "+r.URL.Path+" "+points)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer encrypted.Close()
	var asked []string // of the proxy
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, r.Method+" "+r.RequestURI)
		mu.Unlock()
		if r.Method == http.MethodConnect {
			tunnel(t, w, encrypted.Listener.Addr().String())
			return
		}
		encrypted.Config.Handler.ServeHTTP(w, r)
	}))
	defer proxy.Close()
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: encrypted.Certificate().Raw}))
	f := func(url, proxyURL, wantAsked, wantStored string, more ...string) string {
		t.Helper()
		mu.Lock()
		asked, stored = nil, nil
		mu.Unlock()
		pinned := ca
		if strings.HasPrefix(url, "http:") {
			pinned = ""
		}
		c := exec.Command(os.Args[0], "-test.run=^TestTheEnvironmentsProxy$", "-test.v")
		c.Env = append(os.Environ(), "PROXY_TEST_URL="+url, "PROXY_TEST_CA="+pinned, "NO_PROXY=", "no_proxy=",
			"HTTP_PROXY="+proxyURL, "HTTPS_PROXY="+proxyURL, "http_proxy=", "https_proxy=")
		c.Env = append(c.Env, more...)
		out, err := c.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", url, err, out)
		}
		mu.Lock()
		defer mu.Unlock()
		if len(asked) > 0 && asked[0] != wantAsked || len(asked) == 0 && wantAsked != "" {
			t.Errorf("%s: the proxy was asked %q, want %q", url, asked, wantAsked)
		}
		if got := strings.Join(stored, "\n"); wantStored == "" && got != "" || !strings.Contains(got, wantStored) {
			t.Errorf("%s: stored %q, want %q", url, got, wantStored)
		}
		return string(out)
	}
	// The names are nobody's here: only the proxy can reach them. The certificate is for the second.
	f("http://store.invalid:8086", proxy.URL, "POST http://store.invalid:8086/write?db=ephor&precision=ns", "store.invalid:8086 /write hits")
	f("https://example.com:8086", proxy.URL, "CONNECT example.com:8086", "example.com:8086 /write hits")
	if out := f("http://127.0.0.1:1", proxy.URL, "", ""); !strings.Contains(out, "published: 1 batches") {
		t.Errorf("what is on this machine is not asked of a proxy: %s", out)
	}
	if out := f("http://store.invalid:8086", proxy.URL, "", "", "REQUEST_METHOD=GET"); !strings.Contains(out, "open: the proxy for the store") {
		t.Errorf("where a client may have set the variable it says %s", out)
	}
}

// publishThroughProxy publishes two batches to the store of the environment, and prints what came of it.
func publishThroughProxy(t *testing.T) {
	set := new(Set)
	hits, err := set.Counter("hits")
	if err != nil {
		t.Fatal(err)
	}
	p, err := Open(Config{URL: os.Getenv("PROXY_TEST_URL"), CA: os.Getenv("PROXY_TEST_CA"), Set: set, FlushTimeout: reserve * 100})
	if err != nil {
		t.Logf("open: %v", err)
		return
	}
	hits.Inc()
	t.Logf("published: %v", p.Flush(t.Context()))
	hits.Inc()
	t.Logf("published: %v", p.Flush(t.Context()))
}

// tunnel joins a client that has asked for CONNECT with an address.
func tunnel(t *testing.T, w http.ResponseWriter, address string) {
	there, err := net.Dial("tcp", address)
	if err != nil {
		t.Error(err)
		return
	}
	defer there.Close()
	here, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	defer here.Close()
	_, _ = io.WriteString(here, "HTTP/1.1 200 Connected\r\n\r\n") // a client that is gone ends the copying, too
	go func() {
		_, _ = io.Copy(there, here)
		there.Close()
	}()
	_, _ = io.Copy(here, there)
}
