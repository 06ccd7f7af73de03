package laptop

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// TestStoreHasPointsFromTheStart: those of the configuration, once, however often the host boots; and what cannot be put
// there keeps the host from booting.
func TestStoreHasPointsFromTheStart(t *testing.T) {
	t.Parallel()
	c := hostConfig{Dir: t.TempDir(), Database: "ephor", Events: func(Event) {},
		Setup: []string{`CREATE RETENTION POLICY "kept" ON "ephor" DURATION INF REPLICATION 1`}, Points: map[string]string{"kept": "a v=1 1\na v=2 2\n"}}
	for range 2 {
		h, err := newHost(c)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.start("i-1"); err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(h.store())
		got := get(t, server.URL+"/query?"+url.Values{"db": {"ephor"}, "q": {`SELECT count("v") FROM "kept"."a"`}, "epoch": {"ns"}}.Encode())
		server.Close()
		if !strings.Contains(got, "[[0,2]]") {
			t.Errorf("the store has %s", got)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}
	c.Points = map[string]string{"nowhere": "a v=1 1\n"}
	h, err := newHost(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.start("i-1"); err == nil || !strings.Contains(err.Error(), "retention policy nowhere: the store answers ") {
		t.Errorf("got %v", err)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}
