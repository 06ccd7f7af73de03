package metrics

import (
	"encoding/base64"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFromEnv(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"EPHOR_STORE_URL": "https://s:8086", "EPHOR_STORE_DATABASE": "d", "EPHOR_STORE_TOKEN": "u:p", "EPHOR_STORE_CA": "system",
		"EPHOR_STORE_ORG": "o", "EPHOR_STORE_BUCKET": "b",
		"EPHOR_FLUSH_EVERY": "5", "AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
		"AWS_LAMBDA_LOG_STREAM_NAME": "i", "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001", "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
	}
	getenv := func(name string) string { return env[name] }
	got, err := FromEnv(getenv)
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		URL: "https://s:8086", Database: "d", Org: "o", Bucket: "b", Token: "u:p", CA: "system", FlushEvery: 5, Function: "f", Version: "$LATEST",
		Instance: "i", RuntimeAPI: "127.0.0.1:9001", Initialization: "on-demand",
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Set{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, bad := range []string{"often", "-1"} {
		env["EPHOR_FLUSH_EVERY"] = bad
		if c, err := FromEnv(getenv); err == nil || c.URL == "" {
			t.Errorf("EPHOR_FLUSH_EVERY=%s: %v, %v", bad, err, c)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	f := func(c Config, want string) {
		t.Helper()
		c.Set = new(Set)
		if _, err := Open(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	f(Config{URL: "nowhere"}, "EPHOR_STORE_URL is")
	f(Config{URL: "https://s", CA: "?"}, `EPHOR_STORE_CA: the store's CA is neither "system" nor PEM`)
	f(Config{URL: "https://s", CA: "AAAA"}, "EPHOR_STORE_CA: the store's CA holds no certificate")
	// Who pins an authority does not mean the token to travel in plain text.
	f(Config{URL: "http://s", CA: authority(t), Token: "user:secret"}, "EPHOR_STORE_CA is the authority of a store with TLS, and EPHOR_STORE_URL begins with http://")
	f(Config{URL: "http://s", CA: authority(t), Transport: &storeStub{}}, "EPHOR_STORE_CA is the authority")
	f(Config{URL: "http://s", Function: "a\nb"}, "line break")
}

// authority is a certificate in PEM.
func authority(t *testing.T) string {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	defer server.Close()
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
}

// A pinned authority is trusted, and no other is; each kind of token is sent as its store wants it.
func TestTLSAndAuthorization(t *testing.T) {
	t.Parallel()
	var authorization string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		authorization = r.Header.Get("Authorization")
		w.WriteHeader(http.StatusNoContent)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of the handshakes that are refused
	server.StartTLS()
	defer server.Close()
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	f := func(ca, token, want string) {
		t.Helper()
		s, err := newStore(Config{URL: server.URL, CA: ca, Token: token}.withDefaults())
		if err != nil {
			t.Fatal(err)
		}
		defer s.closeIdle()
		authorization = "none"
		err = s.write(t.Context(), []byte("m n=1i 1\n"))
		if authorization != want || (err == nil) != (want != "none") {
			t.Errorf("CA %.20q, token %q: sent %q, %v", ca, token, authorization, err)
		}
	}
	f(ca, "user:pass", "Basic dXNlcjpwYXNz")
	f(base64.StdEncoding.EncodeToString([]byte(ca)), "abc", "Token abc")
	f(ca, "", "")
	f("system", "user:pass", "none")
	f("", "user:pass", "none")
}
