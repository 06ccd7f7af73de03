package awsproto

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"regexp"
	"testing"
	"time"
)

var id = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)

func TestNewTrace(t *testing.T) {
	t.Parallel()
	now := time.Unix(0x58406520, 5)
	a, b := NewTrace(now), NewTrace(now)
	for _, got := range []string{a, b} {
		if !regexp.MustCompile(`^Root=1-58406520-[0-9a-f]{24}$`).MatchString(got) {
			t.Errorf("got %s", got)
		}
	}
	if a == b {
		t.Errorf("two traces are %s", a)
	}
}

func TestWriteQuery(t *testing.T) {
	t.Parallel()
	f := func(result any, want string) {
		t.Helper()
		w := httptest.NewRecorder()
		if err := WriteQuery(w, "urn:x", "GetThing", result); err != nil {
			t.Fatal(err)
		}
		if got := id.ReplaceAllString(w.Body.String(), "ID"); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	f(struct{ Name string }{"a<b"},
		`<GetThingResponse xmlns="urn:x"><GetThingResult><Name>a&lt;b</Name></GetThingResult>`+
			`<ResponseMetadata><RequestId>ID</RequestId></ResponseMetadata></GetThingResponse>`)
	f(nil, `<GetThingResponse xmlns="urn:x"><ResponseMetadata><RequestId>ID</RequestId></ResponseMetadata></GetThingResponse>`)
}

func TestErrors(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("deep down: %w", Errorf("ValidationError", "no %s", "stack"))
	w := httptest.NewRecorder()
	WriteQueryError(w, "urn:x", err)
	want := `<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
		`<ErrorResponse xmlns="urn:x"><Error><Type>Sender</Type><Code>ValidationError</Code><Message>no stack</Message></Error><RequestId>ID</RequestId></ErrorResponse>`
	if got := id.ReplaceAllString(w.Body.String(), "ID"); got != want || w.Code != 400 {
		t.Errorf("query: %d %s", w.Code, got)
	}

	w = httptest.NewRecorder()
	WriteXMLError(w, "/b/k", &Error{Code: "NoSuchKey", Message: "gone", Status: 404})
	want = `<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
		`<Error><Code>NoSuchKey</Code><Message>gone</Message><Resource>/b/k</Resource><RequestId>ID</RequestId></Error>`
	if got := id.ReplaceAllString(w.Body.String(), "ID"); got != want || w.Code != 404 {
		t.Errorf("XML: %d %s", w.Code, got)
	}

	w = httptest.NewRecorder()
	WriteJSONError(w, errors.New("disk on fire"))
	want = `{"Message":"disk on fire","Type":"Service","__type":"InternalFailure","message":"disk on fire"}`
	if got := w.Body.String(); got != want || w.Code != 500 || w.Header().Get("x-amzn-errortype") != "InternalFailure" {
		t.Errorf("JSON: %d %s", w.Code, got)
	}
}
