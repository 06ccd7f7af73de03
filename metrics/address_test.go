package metrics

import (
	"strings"
	"testing"
)

func TestWriteURL(t *testing.T) {
	t.Parallel()
	f := func(url, want, complaint string) {
		t.Helper()
		got, err := Config{URL: url, Database: "e&p"}.writeURL()
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", url, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error tells the password: %v", url, err)
		}
		if err != nil && (complaint == "" || !strings.Contains(err.Error(), complaint)) {
			t.Errorf("%s: %v, want %q", url, err, complaint)
		}
	}
	f("http://s:8086", "http://s:8086/write?db=e%26p&precision=ns", "")
	f("https://s/influx/", "https://s/influx/write?db=e%26p&precision=ns", "")
	f("http://[::1]:8086", "http://[::1]:8086/write?db=e%26p&precision=ns", "")
	f("http://xn--strung-5wa9b.example", "http://xn--strung-5wa9b.example/write?db=e%26p&precision=ns", "")
	const form = "https://store.example.com:8086"
	f("s:8086", "", form)
	f("ftp://s", "", form)
	f("http://", "", form)
	f("http://:8086", "", form) // which would be this machine
	f("http://s:8086\n", "", form)
	f("user:secret@s:8086", "", form)
	f("http://user:secret@s", "", "EPHOR_STORE_TOKEN")
	f("http://user:secret@s:port", "", form)
	f("s?p=secret", "", form)
	f("http://s:8086?u=me&p=secret", "", "query")
	f("http://s:8086/write?db=secret", "", "EPHOR_STORE_DATABASE")
	f("http://s:8086/?", "", "query")
	f("http://s:8086#secret", "", "fragment")
	f("http://s:8086/#", "", "fragment")
	f("http://störung.example:8086", "", "xn--")
	f("http://s:99999", "", "99999")
	f("http://s:0", "", "port 0")
}

func TestWriteURLOfABucket(t *testing.T) {
	t.Parallel()
	f := func(c Config, want, authorization, complaint string) {
		t.Helper()
		c.URL = "https://s:8086"
		c = c.withDefaults()
		got, err := c.writeURL()
		if got != want || (err == nil) != (complaint == "") || err != nil && !strings.Contains(err.Error(), complaint) {
			t.Errorf("%+v: %q, %v", c, got, err)
		}
		if got := c.Authorization(); got != authorization {
			t.Errorf("%+v: authorization %q", c, got)
		}
	}
	f(Config{Org: "o r", Bucket: "b", Token: "abc=="}, "https://s:8086/api/v2/write?bucket=b&org=o+r&precision=ns", "Token abc==", "")
	f(Config{Bucket: "b/autogen", Token: "u:p"}, "https://s:8086/api/v2/write?bucket=b%2Fautogen&precision=ns", "Token u:p", "")
	f(Config{Token: "u:p"}, "https://s:8086/write?db=ephor&precision=ns", "Basic dTpw", "")
	f(Config{Org: "o"}, "", "", "EPHOR_STORE_BUCKET")
	f(Config{Database: "d", Bucket: "b"}, "", "", "EPHOR_STORE_DATABASE")
	f(Config{Database: "d\n"}, "", "", "EPHOR_STORE_DATABASE")
	f(Config{Bucket: "b\r"}, "", "", "EPHOR_STORE_BUCKET")
	f(Config{Bucket: "b", Org: "o\x00"}, "", "", "EPHOR_STORE_ORG")
}

// What cannot be sent as it is, or is a slip for certain, is told by name when the publisher opens, and the secret
// is not.
func TestTokensAreChecked(t *testing.T) {
	t.Parallel()
	f := func(c Config, complaint string) {
		t.Helper()
		c.URL, c.Set, c.Transport = "http://s:8086", new(Set), new(storeStub)
		p, err := Open(c)
		if err == nil {
			err = p.Close(t.Context())
		}
		if complaint == "" && err != nil || complaint != "" && (err == nil || !strings.Contains(err.Error(), "EPHOR_STORE_TOKEN "+complaint) || strings.Contains(err.Error(), "s3cret")) {
			t.Errorf("%q, bucket %q: %v, want %q", c.Token, c.Bucket, err, complaint)
		}
	}
	f(Config{Token: "s3cret=="}, "")
	f(Config{Token: "user:s3crét €"}, "") // Basic credentials are base64
	f(Config{Token: "s3cret\n"}, "ends in a line break")
	f(Config{Token: "user:s3cret\r\n"}, "ends in a line break")
	f(Config{Token: "s3cret\nX-Injected: 1"}, "holds a line break")
	f(Config{Token: "user:s3\tcret"}, "holds a line break or another control character")
	f(Config{Token: "s3crét"}, "is a token that is not ASCII")
	f(Config{Token: "user:s3crét", Bucket: "b"}, "is a token that is not ASCII")
}
