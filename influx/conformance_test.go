package influx

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What every target holds before the cases run.
const conformancePoints = `cpu,host=a,region=eu usage=1.5,cores=4i,up=true,os="linux" 1000000000
cpu,host=b,region=us usage=2.5,cores=8i,up=false 2000000000
cpu,host=a,region=eu usage=3.5 3000000000
mem,host=a free=10i 1000000001
`

// A conformanceCase is one request and the answer that InfluxDB 1.x gives to it, which is what the embedded
// store has to answer. Debian's influxd is 1.6; where 1.8 or this package differ from it on purpose, old says
// what 1.6 answers and why says why that is right for neither.
type conformanceCase struct {
	name string
	request
	status int
	want   string // the body; compared as it is, or unpacked
	stored string // if given: a query that runs after the request,
	values string // and the values it finds
	old    *oldAnswer
}

type oldAnswer struct {
	why    string
	status int
	body   string
	values string
}

func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, s)
	w.Close()
	return b.String()
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for _, group := range []struct {
		name  string
		cases []conformanceCase
	}{
		{"endpoints", endpointCases()},
		{"queries", queryCases()},
		{"formats", formatCases()},
		{"writes", writeCases()},
	} {
		for _, start := range []struct {
			name string
			open func(testing.TB) target
		}{{"embedded", embedded}, {"influxd", influxd}} {
			t.Run(group.name+"/"+start.name, func(t *testing.T) {
				t.Parallel()
				d := start.open(t)
				d.write(t, conformancePoints)
				for _, c := range group.cases {
					t.Run(c.name, func(t *testing.T) { c.check(t, d) })
				}
			})
		}
	}
}

func (c conformanceCase) check(t *testing.T, d target) {
	t.Helper()
	got := d.do(t, c.request)
	status, want, values := c.status, c.want, c.values
	if c.old != nil && d.name == "influxd" {
		t.Logf("differs from 1.6: %s", c.old.why)
		status, want, values = c.old.status, c.old.body, c.old.values
	}
	if got.status != status {
		t.Errorf("status %d, want %d", got.status, status)
	}
	if diff := cmp.Diff(strings.TrimSuffix(want, "\n"), strings.TrimSuffix(unpack(t, got), "\n")); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	if got.header.Get("X-Influxdb-Version") == "" {
		t.Errorf("no X-Influxdb-Version among %v", got.header)
	}
	isError := strings.Contains(want, `"error":"`) && status >= 400
	if message := got.header.Get("X-Influxdb-Error"); (message != "") != isError {
		t.Errorf("X-Influxdb-Error is %q with status %d", message, got.status)
	}
	if c.stored != "" {
		if diff := cmp.Diff(values, d.values(t, c.stored)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.stored, diff)
		}
	}
}

func unpack(t *testing.T, a answer) string {
	t.Helper()
	if a.header.Get("Content-Encoding") != "gzip" {
		return a.body
	}
	r, err := gzip.NewReader(strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
