package page

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/influxdata/influxql"
)

func TestReads(t *testing.T) {
	t.Parallel()
	f := func(q, wantErr string) {
		t.Helper()
		err := reads(q)
		if wantErr == "" && err != nil || wantErr != "" && (err == nil || !strings.Contains(err.Error(), wantErr)) {
			t.Errorf("%q: got %v, want %q", q, err, wantErr)
		}
	}
	f(`SELECT count("a") FROM "b" WHERE time > 1ms GROUP BY time(1s), "instance" fill(none)`, "")
	f(`select a from b; show measurements; SHOW TAG VALUES WITH KEY = "instance"`, "")
	f(`SELECT a FROM "DROP DATABASE x; DELETE FROM y"`, "")
	f(`SELECT a FROM (SELECT b FROM c)`, "")
	f(``, "the query is empty")
	f(` ;`, "the query is empty")
	f(`SELECT a INTO b FROM c`, "it does not pass on")
	f(`SELECT a FROM b; DROP DATABASE ephor`, `it does not pass on "DROP DATABASE ephor"`)
	f(`drop measurement invocation`, "it does not pass on")
	f(`DELETE FROM invocation`, "it does not pass on")
	f(`EXPLAIN ANALYZE SELECT a FROM b`, "it does not pass on")
	f(`SELEKT a`, "parsing the query: found SELEKT")
}

// FuzzReads holds that what passes begins as reading does and names no target to write to.
func FuzzReads(f *testing.F) {
	f.Add(`SELECT a FROM b; SHOW MEASUREMENTS`)
	f.Add(`SELECT a INTO b FROM c`)
	f.Add(`SELECT a FROM "b INTO c"; DROP DATABASE "x"`)
	f.Add("/* SELECT */ DELETE FROM b -- SHOW")
	f.Fuzz(func(t *testing.T, q string) {
		if reads(q) != nil {
			return
		}
		parsed, err := influxql.ParseQuery(q)
		if err != nil {
			t.Fatalf("%q passed and does not parse: %v", q, err)
		}
		for _, s := range parsed.Statements {
			privileges, err := s.RequiredPrivileges()
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range privileges {
				if p.Privilege != influxql.ReadPrivilege && !strings.HasPrefix(s.String(), "SHOW ") {
					t.Errorf("%q passed, and needs the right to %v", s, p.Privilege)
				}
			}
		}
	})
}

// recorder is a store that keeps what it was asked.
type recorder struct {
	forms chan url.Values
	code  int
	body  string
}

func (s *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.forms <- r.URL.Query()
	w.WriteHeader(s.code)
	w.Write([]byte(s.body))
}

func TestQueryIsHandedOn(t *testing.T) {
	t.Parallel()
	store := &recorder{forms: make(chan url.Values, 9), code: 200, body: `{"results":[{"statement_id":0}]}`}
	behind := httptest.NewServer(store)
	t.Cleanup(behind.Close)
	server := serve(t, Config{Store: func() string { return behind.URL + "/" }, Database: "ephor"})

	resp, body := send(t, "GET", server.URL+"/query?"+url.Values{"q": {"SELECT a FROM b"}, "db": {"ephor"}, "epoch": {"ms"}, "u": {"root"}}.Encode())
	if resp.StatusCode != 200 || body != store.body || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s: %s", resp.Status, body)
	}
	if got, want := (<-store.forms).Encode(), (url.Values{"q": {"SELECT a FROM b"}, "db": {"ephor"}, "epoch": {"ms"}}).Encode(); got != want {
		t.Errorf("the store was asked %s, want %s", got, want)
	}

	for q, want := range map[string]int{
		"q=DROP+DATABASE+ephor":      400,
		"q=SELECT+a+FROM+b&db=other": 403,
		"db=ephor":                   400,
		"q=SELECT+" + strings.Repeat("a", maxQuery) + "+FROM+b": 414,
	} {
		if resp, body := send(t, "GET", server.URL+"/query?"+q); resp.StatusCode != want {
			t.Errorf("%.40s: %s, want %d: %s", q, resp.Status, want, body)
		}
	}
	select {
	case form := <-store.forms:
		t.Errorf("a refused query reached the store: %v", form)
	default:
	}

	store.code, store.body = 400, `{"error":"the store's own"}`
	if resp, body := send(t, "GET", server.URL+"/query?q=SELECT+a+FROM+b"); resp.StatusCode != 400 || body != store.body {
		t.Errorf("the store's refusal came out as %s: %s", resp.Status, body)
	}
}

func TestStoreIsGone(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(slow.Close)
	f := func(store string, code int, want string) {
		t.Helper()
		server := serve(t, Config{Store: func() string { return store }, Database: "ephor", Timeout: 50 * time.Millisecond})
		resp, body := send(t, "GET", server.URL+"/query?q=SELECT+secret+FROM+b")
		if resp.StatusCode != code || !strings.HasPrefix(body, `{"error":"`+want) || strings.Contains(body, "secret") {
			t.Errorf("%s: %s: %s, want %d %s", store, resp.Status, body, code, want)
		}
	}
	f("", 503, "there is no store yet")
	f(gone.URL, 502, "the store at "+gone.URL+" does not answer: dial tcp")
	f(slow.URL, 504, "the store at "+slow.URL+" did not answer within 50ms")
	f("::", 502, "the store at :: does not answer")
}

func TestHalfAnAnswerIsCutOff(t *testing.T) {
	t.Parallel()
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		w.Write([]byte(`{"results":[`))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(store.Close)
	server := serve(t, Config{Store: func() string { return store.URL }, Database: "ephor"})
	resp, err := http.Get(server.URL + "/query?q=SELECT+a+FROM+b")
	if err != nil {
		return // cut off before the header: as good
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("half an answer passed for a whole one: %s", body)
	}
}
