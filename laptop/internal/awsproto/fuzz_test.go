package awsproto

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Whatever stands in a body of the JSON protocols, it is decoded or an *Error names what is wrong.
func FuzzDecodeJSON(f *testing.F) {
	for _, seed := range []string{`{"Name":"n","Count":1,"Map":{"a":"b"},"Data":"AAE="}`, `{"Nope":1}`, `{"Count":"x"}`, `[]`, ``, `{`, `{"Map":{"a":1}}`, `null`, `{"Data":"%"}`, `{"Name":"a"} x`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var in struct {
			Name  string
			Count *int
			Map   map[string]string
			List  []struct{ A, B string }
			Data  []byte
		}
		var e *Error
		if err := DecodeJSON(data, &in, "Unknown"); err != nil && (!errors.As(err, &e) || e.Code == "" || e.Message == "") {
			t.Errorf("%q: %#v", data, err)
		}
	})
}

// A signature's service is a name, wherever the credential stands.
func FuzzSignature(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=AKID/20261122/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0", "")
	f.Add("", "X-Amz-Credential=AKID%2F20261122%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=0")
	f.Add("AWS4-HMAC-SHA256 Credential=,Credential=a/b", "%")
	f.Fuzz(func(t *testing.T, header, query string) {
		r := &http.Request{Header: http.Header{"Authorization": {header}}, URL: &url.URL{RawQuery: query}}
		key, service := Signature(r)
		if (key == "") != (service == "") || strings.ContainsAny(service, "/ ,=") || strings.Contains(key, "/") {
			t.Errorf("%q %q: key %q, service %q", header, query, key, service)
		}
	})
}
