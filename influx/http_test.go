package influx

import (
	"mime/multipart"
	"regexp"
	"strings"
	"testing"
)

func TestRequestID(t *testing.T) {
	t.Parallel()
	d := embedded(t)
	tests := []struct {
		name   string
		header map[string]string
		want   string
	}{
		{"X-Request-Id", map[string]string{"X-Request-Id": "a", "Request-Id": "b"}, "a"},
		{"Request-Id", map[string]string{"Request-Id": "b"}, "b"},
		{"none", nil, `[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`},
	}
	for _, test := range tests {
		got := d.do(t, request{path: "/ping", header: test.header}).header
		for _, name := range []string{"Request-Id", "X-Request-Id"} {
			if !regexp.MustCompile("^" + test.want + "$").MatchString(got.Get(name)) {
				t.Errorf("%s: %s is %q, want %s", test.name, name, got.Get(name), test.want)
			}
		}
	}
}

func TestOrigins(t *testing.T) {
	t.Parallel()
	const page = "http://127.0.0.1:3000"
	tests := []struct {
		name   string
		allow  func(string) bool
		origin string
		want   string
	}{
		{"none are allowed", nil, page, ""},
		{"the page's", func(origin string) bool { return origin == page }, page, page},
		{"another's", func(origin string) bool { return origin == page }, "http://example.org", ""},
		{"no origin", func(string) bool { return true }, "", ""},
	}
	for _, test := range tests {
		_, url := serve(t, Config{AllowOrigin: test.allow})
		for _, method := range []string{"GET", "OPTIONS"} {
			header := map[string]string{}
			if test.origin != "" {
				header["Origin"] = test.origin
			}
			a := target{"embedded", url}.do(t, request{method: method, path: "/query?q=SHOW DATABASES", header: header})
			if got := a.header.Get("Access-Control-Allow-Origin"); a.status != 200 || got != test.want {
				t.Errorf("%s, %s: %d, allowed %q, want %q", test.name, method, a.status, got, test.want)
			}
		}
	}
}

func TestQueryInAFile(t *testing.T) {
	t.Parallel()
	d := embedded(t)
	var body strings.Builder
	form := multipart.NewWriter(&body)
	file, err := form.CreateFormFile("q", "query.txt")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write([]byte("SHOW DATABASES;\nSHOW DATABASES")); err != nil {
		t.Fatal(err)
	}
	form.Close()
	a := d.do(t, request{
		method: "POST", path: "/query", body: body.String(),
		header: map[string]string{"Content-Type": form.FormDataContentType()},
	})
	if strings.Count(a.body, `["ephor"]`) != 2 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// Every statement that changes something, by GET and by POST.
func TestOnlyReads(t *testing.T) {
	t.Parallel()
	d := embedded(t)
	for _, q := range []string{
		"ALTER RETENTION POLICY autogen ON ephor SHARD DURATION 2h",
		"CREATE CONTINUOUS QUERY c ON ephor BEGIN SELECT sum(v) INTO r FROM x GROUP BY time(1s) END",
		"CREATE RETENTION POLICY p ON ephor DURATION 2h REPLICATION 1",
		"CREATE USER u WITH PASSWORD 'p'",
		"GRANT READ ON ephor TO u", "REVOKE READ ON ephor FROM u", "GRANT ALL PRIVILEGES TO u", "REVOKE ALL PRIVILEGES FROM u",
		"SET PASSWORD FOR u = 'q'", "DROP USER u", "DROP CONTINUOUS QUERY c ON ephor",
		"DROP RETENTION POLICY p ON ephor", "DELETE FROM x", "DROP SERIES FROM x", "DROP MEASUREMENT x", "DROP SHARD 99",
		"SELECT v INTO y FROM x", "SELECT v FROM x; DROP DATABASE ephor",
	} {
		if a := d.do(t, get("/query?db=ephor&q="+q)); a.status != 400 || !strings.Contains(a.body, "use a POST request") {
			t.Errorf("GET %s: %d %s, want 400", q, a.status, a.body)
		}
		a := d.do(t, request{method: "POST", path: "/query?db=ephor", form: "q=" + q})
		if a.status != 200 || strings.Contains(a.body, "POST request") {
			t.Errorf("POST %s: %d %s, want 200", q, a.status, a.body)
		}
	}
}
