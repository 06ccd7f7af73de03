package apigateway

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// Cases with a comment are answers of the real service.
func TestParseResponse(t *testing.T) {
	t.Parallel()
	const inferred, plain = "application/json", "text/plain; charset=utf-8"
	f := func(payload string, want response) {
		t.Helper()
		got, err := parseResponse([]byte(payload))
		if err != nil {
			t.Errorf("%s: %v", payload, err)
			return
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(response{})); diff != "" {
			t.Errorf("%s:\n%s", payload, diff)
		}
	}
	body := func(status int, contentType, body string) response {
		return response{status: status, contentType: contentType, body: []byte(body)}
	}
	f(`"Hello, World!"`, body(200, inferred, "Hello, World!"))                                   // …Conversionstring
	f(`"Special \"quoted\" text"`, body(200, inferred, `Special "quoted" text`))                 // …Conversionjson_special
	f(`42`, body(200, inferred, "42"))                                                           // …Conversionnumber
	f(`true`, body(200, inferred, "true"))                                                       // …Conversionboolean
	f(`[1, 2, 3, 4, 5]`, body(200, inferred, "[1, 2, 3, 4, 5]"))                                 // …JSON_Array
	f(`{"name": "John Doe", "age": 30}`, body(200, inferred, `{"name": "John Doe", "age": 30}`)) // …Valid_JSON_Object
	f(`{"name": "John Doe", "age":`, body(200, inferred, `{"name": "John Doe", "age":`))         // …Invalid_JSON_Partial_Object
	f(``, body(200, inferred, ""))                                                               // …empty_string
	f(`{"body":"x","headers":7}`, body(200, inferred, `{"body":"x","headers":7}`))
	f(`null`, body(200, inferred, "null"))
	f(`{"statusCode":200,"body":"Hello, World!"}`, body(200, plain, "Hello, World!")) // V2_DefaultsToTextPlainContentType
	f(` {"statusCode":"404"}`, response{status: 404, contentType: plain})
	f(`{"statusCode":200,"body":"AQI=","isBase64Encoded":true}`, response{status: 200, contentType: plain, body: []byte("\x01\x02"), decoded: true})
	f(`{"statusCode":200,"headers":{"n":1.5}}`, response{status: 200, contentType: plain, headers: [][2]string{{"n", "1.5"}}})
	f(`{"statusCode":200,"headers":{"b":true},"cookies":["c"]}`, response{status: 200, contentType: plain, headers: [][2]string{{"b", "true"}}, cookies: []string{"c"}})

	bad := func(payload string) {
		t.Helper()
		if got, err := parseResponse([]byte(payload)); err == nil {
			t.Errorf("%s: %+v, want an error", payload, got)
		}
	}
	bad(`{"statusCode":0}`)     // V2_HandlesZeroStatusCode
	bad(`{"statusCode":200.5}`) // …StatusCodeAsFloat_ReturnsInternalServerError
	bad(`{"statusCode":null}`)
	bad(`{"statusCode":101}`)
	bad(`{"statusCode":1000}`)
	bad(`{"statusCode":200,"body":{"a":1}}`) // https://github.com/aws/aws-lambda-go/pull/373
	bad(`{"statusCode":200,"headers":[]}`)
	bad(`{"statusCode":200,"headers":{"a":["b"]}}`)
	bad(`{"statusCode":200,"body":"%","isBase64Encoded":true}`)
}

func FuzzParseResponse(f *testing.F) {
	f.Add([]byte(`{"statusCode":200,"headers":{"a":"b"},"body":"x","cookies":["c"]}`))
	f.Add([]byte(`"text"`))
	f.Add([]byte(`{"statusCode":200,"headers":{"a":null}}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		out, err := parseResponse(payload)
		if err == nil && (out.status < 200 || out.status > 999 || out.contentType == "") {
			t.Errorf("%q became %+v", payload, out)
		}
	})
}

func FuzzAppendString(f *testing.F) {
	f.Add("plain")
	f.Add("q\"\\\x00\n☕\xff<>&\u2028")
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		if err := json.Unmarshal(appendString(nil, s), &got); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if utf8.ValidString(s) && got != s {
			t.Errorf("%q became %q", s, got)
		}
	})
}
