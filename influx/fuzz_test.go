package influx

import (
	"bytes"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

func FuzzPrecision(f *testing.F) {
	for _, s := range []string{"", "n", "ns", "u", "µ", "us", "ms", "s", "m", "h", "y"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, parse := range []func(string) (string, error){precisionV1, precisionV2} {
			precision, err := parse(s)
			// The engine's parser takes whatever else it is given for nanoseconds, in silence.
			if err == nil && !strings.Contains(" n u ms s m h ", " "+precision+" ") {
				t.Errorf("%q becomes %q", s, precision)
			}
			if err != nil && precision != "" {
				t.Errorf("%q is both %q and %v", s, precision, err)
			}
		}
	})
}

func FuzzBucket(f *testing.F) {
	for _, s := range []string{"", "/", "db", "db/", "db/rp", "/rp", "db/rp/more"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		database, policy, err := parseBucket(s)
		switch {
		case err != nil && (database != "" || policy != ""):
			t.Errorf("%q is both %q/%q and %v", s, database, policy, err)
		case err == nil && (database == "" || strings.Contains(database, "/")):
			t.Errorf("%q has the database %q", s, database)
		case err == nil && s != database && s != database+"/"+policy:
			t.Errorf("%q becomes %q/%q", s, database, policy)
		}
	})
}

func FuzzParams(f *testing.F) {
	for _, s := range []string{"", "{}", `{"a":1,"b":1.5,"c":"d","e":true}`, `{"a":1e400}`, `{"a":9223372036854775808}`, "[1]", "{", `{"a":{"b":1}}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		params, err := parseParams(s)
		if err != nil && params != nil {
			t.Errorf("%q is both %v and %v", s, params, err)
		}
	})
}

func FuzzAccept(f *testing.F) {
	for _, s := range []string{"", "*/*", "text/csv", "application/json;q=0.1, text/*", "a/b;q=x", ";;,,", "application/x-msgpack;q=2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r := httptest.NewRequest("GET", "/query", nil)
		r.Header.Set("Accept", s)
		chosen := formatFor(r)
		if chosen.encoder == nil || chosen.contentType == "" {
			t.Errorf("%q chooses nothing", s)
		}
	})
}

// Whatever is on disk, the cut keeps a prefix, and what it has kept it keeps again.
func FuzzWholeEntries(f *testing.F) {
	dir := f.TempDir()
	s, err := Open(Config{Dir: dir, Database: "ephor"})
	if err != nil {
		f.Fatal(err)
	}
	for _, line := range []string{"x v=1 1", `x s="text",b=true,i=1i 2`} {
		if status, message := s.store([]byte(line), "", destination{"ephor", "", "n"}); status != 204 {
			f.Fatal(message)
		}
	}
	if err := s.engine.close(); err != nil { // leaves the log
		f.Fatal(err)
	}
	segments, err := walSegments(dir + "/wal/ephor/autogen/1")
	if err != nil || len(segments) == 0 {
		f.Fatalf("%v %v", segments, err)
	}
	whole, err := os.ReadFile(segments[0])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add(append(bytes.Clone(whole), 1, 0, 0, 0, 8, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0))
	f.Add(make([]byte, 20))
	f.Fuzz(func(t *testing.T, segment []byte) {
		n, err := wholeEntries(bytes.NewReader(segment), int64(len(segment)))
		if err != nil || n < 0 || n > int64(len(segment)) {
			t.Fatalf("%d of %d bytes, %v", n, len(segment), err)
		}
		if again, err := wholeEntries(bytes.NewReader(segment[:n]), n); err != nil || again != n {
			t.Errorf("%d bytes, then %d of them, %v", n, again, err)
		}
	})
}
