package influx

import (
	"errors"
	"math"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/influxdata/influxdb/models"
	"github.com/influxdata/influxdb/query"
)

func TestFormatFor(t *testing.T) {
	t.Parallel()
	tests := []struct{ accept, want string }{
		{"", "application/json"},
		{"*/*", "application/json"},
		{"*", "application/json"},
		{"text/*", "text/csv"},
		{"text/html, application/csv", "application/csv"},
		{"text/csv;q=0.5, application/x-msgpack", "application/x-msgpack"},
		{"text/csv;q=none", "application/json"},
		{"text/csv, application/json", "text/csv"},
		{"image/png", "application/json"},
	}
	for _, test := range tests {
		r := httptest.NewRequest("GET", "/query", nil)
		r.Header.Set("Accept", test.accept)
		if got := formatFor(r).contentType; got != test.want {
			t.Errorf("%q: %s, want %s", test.accept, got, test.want)
		}
	}
}

// The specification's encodings: https://github.com/msgpack/msgpack/blob/master/spec.md#formats
func TestMsgpack(t *testing.T) {
	t.Parallel()
	tests := []struct {
		value any
		want  string
	}{
		{nil, "\xc0"},
		{(*float64)(nil), "\xc0"},
		{true, "\xc3"},
		{false, "\xc2"},
		{int64(0), "\x00"},
		{int64(127), "\x7f"},
		{int64(128), "\xcc\x80"},
		{256, "\xcd\x01\x00"},
		{int64(65536), "\xce\x00\x01\x00\x00"},
		{int64(1) << 32, "\xcf\x00\x00\x00\x01\x00\x00\x00\x00"},
		{uint64(math.MaxUint64), "\xcf\xff\xff\xff\xff\xff\xff\xff\xff"},
		{int64(-1), "\xff"},
		{int64(-32), "\xe0"},
		{int64(-33), "\xd0\xdf"},
		{int64(-129), "\xd1\xff\x7f"},
		{int64(-32769), "\xd2\xff\xff\x7f\xff"},
		{int64(math.MinInt64), "\xd3\x80\x00\x00\x00\x00\x00\x00\x00"},
		{1.5, "\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00"},
		{"", "\xa0"},
		{strings.Repeat("a", 31), "\xbf" + strings.Repeat("a", 31)},
		{strings.Repeat("a", 32), "\xd9\x20" + strings.Repeat("a", 32)},
		{strings.Repeat("a", 256), "\xda\x01\x00" + strings.Repeat("a", 256)},
		{strings.Repeat("a", 65536), "\xdb\x00\x01\x00\x00" + strings.Repeat("a", 65536)},
		{time.Unix(1, 2), "\xc7\x0c\x05\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x02"},
		{[]string{"a", "b"}, "\xa5[a b]"},
	}
	for _, test := range tests {
		var b msgpack
		b.value(test.value)
		if string(b) != test.want {
			t.Errorf("%v: %x, want %x", test.value, string(b), test.want)
		}
	}
	var b msgpack
	b.arrayHeader(16)
	b.mapHeader(70000)
	if want := "\xdc\x00\x10\xdf\x00\x01\x11\x70"; string(b) != want {
		t.Errorf("headers: %x, want %x", string(b), want)
	}
}

// One response with everything that can be in it, in every format.
func TestEncoders(t *testing.T) {
	t.Parallel()
	r := response{results: []*query.Result{
		{StatementID: 0, Series: models.Rows{
			{
				Name: "m", Tags: map[string]string{"b": "2", "a": "1"}, Columns: []string{"time", "v"}, Partial: true,
				Values: [][]any{{time.Unix(0, 5).UTC(), nil}, {time.Unix(0, 6).UTC(), uint64(7)}, {time.Unix(0, 7).UTC(), "x,y"}},
			},
			{Columns: []string{"only"}, Values: [][]any{{true}}},
		}, Partial: true, Messages: []*query.Message{{Level: "warning", Text: "careful"}}},
		{StatementID: 1, Err: errors.New("failed")},
	}}
	tests := []struct {
		name    string
		encoder encoder
		want    string
	}{
		{
			"json", jsonEncoder{},
			`{"results":[{"statement_id":0,"series":[{"name":"m","tags":{"a":"1","b":"2"},"columns":["time","v"],` +
				`"values":[["1970-01-01T00:00:00.000000005Z",null],["1970-01-01T00:00:00.000000006Z",7],["1970-01-01T00:00:00.000000007Z","x,y"]],"partial":true},` +
				`{"columns":["only"],"values":[[true]]}],"messages":[{"level":"warning","text":"careful"}],"partial":true},` +
				`{"statement_id":1,"error":"failed"}]}` + "\n",
		},
		{"csv", &csvEncoder{}, "name,tags,time,v\nm,\"a=1,b=2\",5,\nm,\"a=1,b=2\",6,7\nm,\"a=1,b=2\",7,\"x,y\"\n\nname,tags,only\n,,true\n"},
		{
			"msgpack", msgpackEncoder{},
			"\x81\xa7results\x92\x84\xacstatement_id\x00\xa8messages\x91\x82\xa5level\xa7warning\xa4text\xa7careful\xa6series\x92" +
				"\x85\xa4name\xa1m\xa4tags\x82\xa1a\xa11\xa1b\xa12\xa7columns\x92\xa4time\xa1v\xa6values\x93" +
				"\x92\xc7\x0c\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05\xc0" +
				"\x92\xc7\x0c\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x06\x07" +
				"\x92\xc7\x0c\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07\xa3x,y\xa7partial\xc3" +
				"\x82\xa7columns\x91\xa4only\xa6values\x91\x91\xc3\xa7partial\xc3" +
				"\x81\xa5error\xa6failed",
		},
	}
	for _, test := range tests {
		var got strings.Builder
		if err := test.encoder.encode(&got, r); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if diff := cmp.Diff(test.want, got.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestEncodeErrors(t *testing.T) {
	t.Parallel()
	infinite := response{results: []*query.Result{{Series: models.Rows{{Values: [][]any{{math.Inf(1)}}}}}}}
	tests := []struct {
		name    string
		encoder encoder
		r       response
		want    string
	}{
		{"json", jsonEncoder{}, response{err: "failed"}, `{"error":"failed"}` + "\n"},
		{"json of what it has no word for", jsonEncoder{}, infinite, `{"error":"json: unsupported value: +Inf"}` + "\n"},
		{"csv", &csvEncoder{}, response{err: "failed, twice"}, "error\n\"failed, twice\"\n"},
		{"msgpack", msgpackEncoder{}, response{err: "failed"}, "\x81\xa5error\xa6failed"},
	}
	for _, test := range tests {
		var got strings.Builder
		if err := test.encoder.encode(&got, test.r); err != nil || got.String() != test.want {
			t.Errorf("%s: %q, %v, want %q", test.name, got.String(), err, test.want)
		}
	}
}
