package influx

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// eventually fails the test unless the condition holds within a minute.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	_, url := serve(t, Config{MaxBodySize: 100})
	d := target{"embedded", url}
	long := "x v=1 1\n" + strings.Repeat("#", 100)
	zip := func(s string) request {
		r := post("/write?db=ephor", gzipped(s))
		r.header = map[string]string{"Content-Encoding": "gzip"}
		return r
	}
	const refused = `{"error":"Request Entity Too Large"}` + "\n"
	tests := []struct {
		name string
		request
		status int
		body   string
	}{
		{"write", post("/write?db=ephor", long), 413, refused},
		{"write, small packed and large unpacked", zip(strings.Repeat("x v=1 1\n", 1000)), 413, refused},
		{"write, at the limit", post("/write?db=ephor", long[:100]), 204, ""},
		{"v2 write", post("/api/v2/write?bucket=ephor", long), 413, refused},
		{"query", request{method: "POST", path: "/query", form: "q=SHOW DATABASES&pad=" + long}, 413, refused},
	}
	for _, test := range tests {
		if got := d.do(t, test.request); got.status != test.status || got.body != test.body {
			t.Errorf("%s: %d %s, want %d", test.name, got.status, got.body, test.status)
		}
	}
}

// A body whose length is not announced is counted as it arrives.
func TestBodyLimitUnannounced(t *testing.T) {
	t.Parallel()
	_, url := serve(t, Config{MaxBodySize: 100})
	body := struct{ *strings.Reader }{strings.NewReader(strings.Repeat("x v=1 1\n", 100))} // hides its length
	resp, err := http.Post(url+"/write?db=ephor", "", body)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d, want 413", resp.StatusCode)
	}
}

func TestQueueFull(t *testing.T) {
	t.Parallel()
	s, url := serve(t, Config{MaxConcurrentWrites: 1, MaxConcurrentQueries: 1, MaxQueued: 1, QueueTimeout: time.Millisecond})
	for _, g := range []*gate{s.writes, s.queries} {
		leave, err := g.enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer leave()
	}
	d := target{"embedded", url}
	for _, r := range []request{post("/write?db=ephor", "x v=1"), get("/query?q=SHOW DATABASES")} {
		if got := d.do(t, r); got.status != 503 || got.body != `{"error":"request throttled, exceeds timeout"}`+"\n" {
			t.Errorf("%s: %d %s, want 503", r.path, got.status, got.body)
		}
	}
	if got := d.do(t, get("/ping")); got.status != 204 {
		t.Errorf("ping: %d, want 204", got.status)
	}
}

func TestRowLimit(t *testing.T) {
	t.Parallel()
	_, url := serve(t, Config{MaxRows: 3})
	d := target{"embedded", url}
	d.write(t, "r,h=a v=1 1\nr,h=a v=2 2\nr,h=b v=3 3\nr,h=b v=4 4\nr,h=c v=5 5")
	tests := []struct{ path, want string }{
		{
			"/query?db=ephor&epoch=ns&q=SELECT v FROM r GROUP BY h",
			`{"results":[{"statement_id":0,"series":[{"name":"r","tags":{"h":"a"},"columns":["time","v"],"values":[[1,1],[2,2]]},` +
				`{"name":"r","tags":{"h":"b"},"columns":["time","v"],"values":[[3,3]],"partial":true}]}]}`,
		},
		{
			"/query?db=ephor&epoch=ns&q=SELECT v FROM r LIMIT 2;SELECT v FROM r",
			`{"results":[{"statement_id":0,"series":[{"name":"r","columns":["time","v"],"values":[[1,1],[2,2]]}]},` +
				`{"statement_id":1,"series":[{"name":"r","columns":["time","v"],"values":[[1,1]],"partial":true}]}]}`,
		},
	}
	for _, test := range tests {
		if got := strings.TrimSpace(d.do(t, get(test.path)).body); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.path, got, test.want)
		}
	}
	chunked := d.do(t, get("/query?db=ephor&chunked=true&q=SELECT v FROM r")).body
	if !strings.Contains(chunked, `"1970-01-01T00:00:00.000000005Z"`) {
		t.Errorf("chunked answers have no limit, got %s", chunked)
	}
}

// rows are n points of one series with a kilobyte each.
func rows(from, n int) string {
	var b strings.Builder
	kilobyte := strings.Repeat("x", 1000)
	for i := from; i < from+n; i++ {
		fmt.Fprintf(&b, "big s=%q %d\n", kilobyte, i)
	}
	return b.String()
}

// endless is a query over the measurement x with fifty million groups.
const endless = "SELECT count(v) FROM x WHERE time>=0 AND time<50ms GROUP BY time(1ns) fill(0)"

func TestQueryTimeout(t *testing.T) {
	t.Parallel()
	_, url := serve(t, Config{QueryTimeout: time.Millisecond})
	d := target{"embedded", url}
	d.write(t, "x v=1 1")
	got := d.do(t, get("/query?db=ephor&q="+endless))
	want := `{"results":[{"statement_id":0,"error":"query-timeout limit exceeded"}]}` + "\n"
	if got.body != want {
		t.Errorf("%.200s, want %s", got.body, want)
	}
}

// dial sends a request as it is and leaves the rest to the caller.
func dial(t *testing.T, url, raw string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := conn.Write([]byte(raw)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// A client that does not send what it announced loses its connection, and its place.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	s, url := serve(t, Config{StallTimeout: 50 * time.Millisecond})
	conn := dial(t, url, "POST /write?db=ephor HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx v=1")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusRequestTimeout {
		t.Errorf("status %d, want 408", resp.StatusCode)
	}
	eventually(t, "the write still has its place", func() bool { return len(s.writes.admitted) == 0 })
}

// A client that does not read its answer loses its connection, and the query ends.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	for _, chunked := range []string{"true", "false"} {
		t.Run("chunked="+chunked, func(t *testing.T) {
			t.Parallel()
			s, url := serve(t, Config{StallTimeout: 50 * time.Millisecond})
			d := target{"embedded", url}
			for from := 0; from < 20_000; from += 1000 { // 20 MB, more than the sockets hold
				// Not over HTTP, where it would have to be quick.
				if status, message := s.store([]byte(rows(from, 1000)), "", destination{"ephor", "", "n"}); status != 204 {
					t.Fatal(message)
				}
			}
			dial(t, url, "GET /query?db=ephor&chunked="+chunked+"&q=SELECT+s+FROM+big HTTP/1.1\r\nHost: x\r\n\r\n")
			eventually(t, "the query does not start", func() bool { return len(s.queries.admitted) == 1 })
			eventually(t, "the query does not end", func() bool { return len(s.queries.admitted) == 0 })
			if got := d.values(t, "SHOW QUERIES"); strings.Contains(got, "SELECT") {
				t.Errorf("the engine still works on it: %s", got)
			}
		})
	}
}

// A connection that has had its deadlines can be used again.
func TestDeadlinesAreLifted(t *testing.T) {
	t.Parallel()
	const stall = 500 * time.Millisecond
	_, url := serve(t, Config{StallTimeout: stall})
	conn := dial(t, url, "")
	r := bufio.NewReader(conn)
	for _, raw := range []string{
		"POST /write?db=ephor HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nx v=1",
		"GET /query?db=ephor&q=SELECT+v+FROM+x HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		if _, err := conn.Write([]byte(raw)); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatalf("%.20s: %v", raw, err)
		}
		if _, err := bufio.NewReader(resp.Body).WriteTo(&strings.Builder{}); err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode >= 300 {
			t.Errorf("%.20s: %d", raw, resp.StatusCode)
		}
		time.Sleep(stall * 6 / 5) // past the deadline of the request before
	}
}
