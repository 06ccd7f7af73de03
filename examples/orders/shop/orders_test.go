package shop

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
)

// memory is a queue and a bucket at once, for one test.
type memory struct {
	sent []string
	held map[string]string
	err  error
}

func (m *memory) Send(_ context.Context, message any) error {
	data, err := json.Marshal(message)
	m.sent = append(m.sent, string(data))
	return errors.Join(err, m.err)
}

func (m *memory) Add(_ context.Context, key string, document any) (bool, error) {
	if _, there := m.held[key]; there || m.err != nil {
		return false, m.err
	}
	data, err := json.Marshal(document)
	if m.held == nil {
		m.held = map[string]string{}
	}
	m.held[key] = string(data)
	return true, err
}

func (m *memory) Read(_ context.Context, key string, into any) error {
	if m.err != nil {
		return m.err
	}
	return json.Unmarshal([]byte(m.held[key]), into)
}

func (m *memory) Count(_ context.Context, prefix string) (n int, err error) {
	for key := range m.held {
		if strings.HasPrefix(key, prefix) {
			n++
		}
	}
	return n, m.err
}

func TestOrdersAreTaken(t *testing.T) {
	t.Parallel()
	f := func(body string, down error, status int, sent int) string {
		t.Helper()
		q, w := &memory{err: down}, httptest.NewRecorder()
		taking(q).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/orders", strings.NewReader(body)))
		if w.Code != status || len(q.sent) != sent {
			t.Errorf("%s: %d %s, sent %q", body, w.Code, w.Body, q.sent)
		}
		if sent == 0 || down != nil {
			return ""
		}
		var answer, message order
		if err := errors.Join(json.Unmarshal(w.Body.Bytes(), &answer), json.Unmarshal([]byte(q.sent[0]), &message)); err != nil || answer.ID == "" || answer.ID != message.ID {
			t.Errorf("%s is answered by %s and sent as %s: %v", body, w.Body, q.sent[0], err)
		}
		return answer.ID
	}
	first := f(`{"item": "book", "copies": 2}`, nil, http.StatusAccepted, 1)
	if second := f(`{"item": "book", "copies": 2}`, nil, http.StatusAccepted, 1); second == first {
		t.Errorf("two orders are called %s", first)
	}
	f(`{"item": "book", "copies": 2}`, errors.New("no queue"), http.StatusServiceUnavailable, 1)
	f(`{"item": "book"}`, nil, http.StatusBadRequest, 0)
	f(`{"copies": 1}`, nil, http.StatusBadRequest, 0)
	f(`{"item": "book", "copies": 1, "price": 0}`, nil, http.StatusBadRequest, 0)
	f(`book`, nil, http.StatusBadRequest, 0)
}

func messages(bodies ...string) (e events.SQSEvent) {
	for _, body := range bodies {
		e.Records = append(e.Records, events.SQSMessage{MessageId: "m-" + body, Body: body})
	}
	return e
}

// One order that cannot be packed holds up no other, and one that comes twice is one parcel.
func TestOrdersArePacked(t *testing.T) {
	t.Parallel()
	prices := func() (map[string]int, error) { return map[string]int{"book": 1290}, nil }
	const book, unicorn = `{"id":"a","item":"book","copies":2}`, `{"id":"b","item":"unicorn","copies":1}`
	parcels := &memory{}
	failed, err := packing(prices, parcels)(t.Context(), messages(unicorn, book, "nonsense", book))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, one := range failed.BatchItemFailures {
		ids = append(ids, one.ItemIdentifier)
	}
	if diff := cmp.Diff([]string{"m-" + unicorn, "m-nonsense"}, ids); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"packed/a.json": `{"id":"a","item":"book","copies":2,"cents":2580}`}, parcels.held); diff != "" {
		t.Errorf("parcels (-want +got):\n%s", diff)
	}
	parcels = &memory{err: errors.New("no bucket")}
	if failed, err := packing(prices, parcels)(t.Context(), messages(book)); err != nil || len(failed.BatchItemFailures) != 1 {
		t.Errorf("without a bucket: %v, %v", failed, err)
	}
}

func created(key string) events.S3Event {
	return events.S3Event{Records: []events.S3EventRecord{{S3: events.S3Entity{Object: events.S3Object{URLDecodedKey: key}}}}}
}

func TestParcelsAreShipped(t *testing.T) {
	t.Parallel()
	const p = `{"id":"a","item":"book","copies":2,"cents":2580}`
	m := &memory{held: map[string]string{"packed/a.json": p}}
	if err := shipping(m, m)(t.Context(), created("packed/a.json")); err != nil || !cmp.Equal(m.sent, []string{p}) {
		t.Errorf("%q, %v", m.sent, err)
	}
	if err := shipping(m, m)(t.Context(), created("packed/none.json")); err == nil {
		t.Error("a parcel that is not there was shipped")
	}
	down := &memory{err: errors.New("no queue")}
	if err := shipping(m, down)(t.Context(), created("packed/a.json")); !errors.Is(err, down.err) {
		t.Errorf("without the warehouse: %v", err)
	}
}

func TestDeadLettersAreKept(t *testing.T) {
	t.Parallel()
	m := &memory{}
	for range 2 { // they may come again
		if err := keeping(m)(t.Context(), messages(`{"id":"b"}`, "nonsense")); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(map[string]string{`kept/m-{"id":"b"}.json`: `{"id":"b"}`, "kept/m-nonsense.json": `"nonsense"`}, m.held); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	if n, err := m.Count(t.Context(), packed); n != 0 || err != nil {
		t.Errorf("%d are packed, %v", n, err)
	}
}

func TestParcelsAreCounted(t *testing.T) {
	t.Parallel()
	m := &memory{held: map[string]string{"packed/a.json": "", "packed/b.json": "", "kept/c.json": ""}}
	if err := counting(m)(t.Context(), events.EventBridgeEvent{}); err != nil || stored.Value() != 2 {
		t.Errorf("%v parcels, %v", stored.Value(), err)
	}
}
