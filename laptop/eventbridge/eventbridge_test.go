package eventbridge

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/targetstest"
)

const (
	function = "arn:aws:lambda:us-east-1:000000000000:function:f"
	queue    = "arn:aws:sqs:us-east-1:000000000000:q"
	dead     = "arn:aws:sqs:us-east-1:000000000000:dead"
	topic    = "arn:aws:sns:us-east-1:000000000000:t"
)

// world is what rules lead to.
type world struct{ *targetstest.Targets[string] }

func newWorld() world { return world{targetstest.New[string]()} }

func (w world) Send(queue, _, body, _ string, attributes map[string]string) error {
	return w.TakeWith(queue, body, attributes)
}

func (w world) Publish(topic, _, message string) error { return w.Take(topic, message) }

func open(t *testing.T, dir string, w world) *Service {
	t.Helper()
	s, err := Open(Config{Dir: dir, Targets: w, Problem: w.Problem})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t *testing.T, s *Service, r Rule, targets ...Target) {
	t.Helper()
	if _, err := s.PutRule(r); err != nil {
		t.Fatal(err)
	}
	if err := s.PutTargets(r.Bus, r.Name, targets...); err != nil {
		t.Fatal(err)
	}
}

const books = `{"source": ["shop"], "detail": {"kind": ["book"]}}`

func TestRulesLeadEventsToTargets(t *testing.T) {
	t.Parallel()
	w := newWorld()
	dir := t.TempDir()
	s := open(t, dir, w)
	if _, err := s.CreateBus(Bus{Name: "inner"}); err != nil {
		t.Fatal(err)
	}
	put(t, s, Rule{Name: "books", Pattern: books}, Target{ID: "f", ARN: function}, Target{ID: "q", ARN: queue, InputPath: "$.detail"}, Target{ID: "t", ARN: topic, Input: `"news"`})
	put(t, s, Rule{Name: "off", Pattern: books, Disabled: true}, Target{ID: "f", ARN: function})
	put(t, s, Rule{Name: "books", Bus: "inner", Pattern: books}, Target{ID: "f", ARN: function, Input: `"inner"`})
	event := Event{Source: "shop", DetailType: "Order", Detail: `{"kind": "book", "n": 1}`, Resources: []string{"r"}, Time: time.Date(2026, 11, 23, 1, 2, 3, 4, time.UTC)}
	id, err := s.Put(event)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(Event{Source: "shop", DetailType: "Order", Detail: `{"kind": "map"}`}); err != nil {
		t.Fatal(err)
	}
	event.Bus = s.BusARN("inner")
	if _, err := s.Put(event); err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{
		function: {`{"version":"0","id":"` + id + `","detail-type":"Order","source":"shop","account":"000000000000","time":"2026-11-23T01:02:03Z","region":"us-east-1","resources":["r"],"detail":{"kind":"book","n":1}}`, `"inner"`},
		queue:    {`{"kind":"book","n":1}`},
		topic:    {`"news"`},
	}
	if diff := cmp.Diff(want, w.All()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for want, e := range map[string]Event{
		"Source is a required": {DetailType: "x", Detail: "{}"}, "DetailType is a required": {Source: "x", Detail: "{}"}, "Detail is a required": {Source: "x", DetailType: "x"},
		"Detail is malformed": {Source: "x", DetailType: "x", Detail: "[]"}, "Not authorized": {Source: "aws.s3", DetailType: "x", Detail: "{}"},
		"bus none does not exist": {Bus: "none", Source: "x", DetailType: "x", Detail: "{}"},
	} {
		if _, err := s.Put(e); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", e, err, want)
		}
	}
	// All of it is there after a start.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, w)
	defer s.Close()
	if _, err := s.Put(event); err != nil || len(w.Of(function)) != 3 {
		t.Errorf("after a start: %v, %v", w.Of(function), err)
	}
	if err := s.DeleteBus("inner"); err == nil || !strings.Contains(err.Error(), "has rules") {
		t.Errorf("deleting a bus with rules: %v", err)
	}
	if err := s.DeleteRule("inner", "books"); err == nil || !strings.Contains(err.Error(), "has targets") {
		t.Errorf("deleting a rule with targets: %v", err)
	}
	if err := errors.Join(s.RemoveTargets("inner", "books", "f"), s.DeleteRule("inner", "books"), s.DeleteBus("inner")); err != nil {
		t.Error(err)
	}
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	const event = `{"time": "2026-11-23T00:00:00Z", "detail": {"instance": "i-1", "state": "on \"hold\"", "n": 12345678901234567890, "list": [{"a": 1}, {"a": 2}], "o": {"x": true}}}`
	f := func(want, template string) {
		t.Helper()
		target := Target{ID: "t", ARN: function, Template: &Template{Text: template, Paths: map[string]string{
			"instance": "$.detail.instance", "state": "$.detail.state", "n": "$.detail.n", "second": "$.detail.list[1].a", "o": "$.detail.o", "none": "$.detail.none"}}}
		if err := target.check(); err != nil {
			t.Errorf("%s: %v", template, err)
			return
		}
		if got, err := target.input(Rule{Name: "r"}, "arn", event); err != nil || got != want {
			t.Errorf("%s is %s, %v; want %s", template, got, err, want)
		}
	}
	f(`"i-1 is in state on \"hold\""`, `"<instance> is in state <state>"`)
	f(`"i-1 is \"on \"hold\"\""`, `"<instance> is \"<state>\""`)
	f(`{"i": "i-1", "n": 12345678901234567890, "second": 2, "o": {"x":true}}`, `{"i": <instance>, "n": <n>, "second": <second>, "o": <o>}`)
	f(`{"text": "{\"x\":true} of r", "none": null, "nothing": ""}`, `{"text": "<o> of <aws.events.rule-name>", "none": <none>, "nothing": "<none>"}`)
	f(`["arn", {"time":"2026-11-23T00:00:00Z"}, "2026-11-23T00:00:00Z"]`, `[<aws.events.rule-arn>, <aws.events.event>, <aws.events.event.ingestion-time>]`)
}

func TestTargetsThatAreRefused(t *testing.T) {
	t.Parallel()
	many := 186
	for want, target := range map[string]Target{
		"the target ID":                {ID: "a b", ARN: function},
		"functions, queues and":        {ID: "a", ARN: "arn:aws:kinesis:us-east-1:000000000000:stream/s"},
		"Only one of":                  {ID: "a", ARN: function, Input: "{}", InputPath: "$.detail"},
		"JSON syntax error":            {ID: "a", ARN: function, Input: "{"},
		"InputPath $..a":               {ID: "a", ARN: function, InputPath: "$..a"},
		"MessageGroupId":               {ID: "a", ARN: queue + ".fifo"},
		"no standard queue's":          {ID: "a", ARN: function, DeadLetters: topic},
		"it may be 0 to 185":           {ID: "a", ARN: function, Retries: &many},
		"it may be 60 to 86400":        {ID: "a", ARN: function, MaxAge: new(int)},
		"<x> is not in InputPathsMap":  {ID: "a", ARN: function, Template: &Template{Text: `"<x>"`}},
		"not AWS at its beginning":     {ID: "a", ARN: function, Template: &Template{Text: `"x"`, Paths: map[string]string{"aws-x": "$.a"}}},
		"it may have 1 to 8192":        {ID: "a", ARN: function, Template: &Template{}},
		"on this machine a path is $ ": {ID: "a", ARN: function, Template: &Template{Text: `"x"`, Paths: map[string]string{"x": "detail"}}},
	} {
		if err := target.check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", target, err, want)
		}
	}
}

func TestSchedulesOfRules(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) { // it begins at midnight UTC 2000-01-01
		w := newWorld()
		s := open(t, dir, w)
		put(t, s, Rule{Name: "rate", Schedule: "rate(2 minutes)"}, Target{ID: "f", ARN: function, Input: `"rate"`})
		put(t, s, Rule{Name: "cron", Schedule: "cron(3 * * * ? *)"}, Target{ID: "q", ARN: queue})
		if _, err := s.CreateBus(Bus{Name: "inner"}); err != nil {
			t.Fatal(err)
		}
		for want, r := range map[string]Rule{"only on the default": {Name: "a", Bus: "inner", Schedule: "rate(1 minute)"}, "neither rate": {Name: "a", Schedule: "at(2030-01-01T00:00:00)"}, "must be specified": {Name: "a"}} {
			if _, err := s.PutRule(r); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %v, want %q", r, err, want)
			}
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if diff := cmp.Diff([]time.Duration{2 * time.Minute, 3 * time.Minute, 4 * time.Minute}, w.Attempts()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		if got := w.Of(queue)[0]; !strings.Contains(got, `"detail-type":"Scheduled Event"`) || !strings.Contains(got, `"time":"2000-01-01T00:03:00Z"`) || !strings.Contains(got, "rule/cron") {
			t.Errorf("the event is %s", got)
		}
		if err := s.SetState("", "rate", true); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if len(w.Attempts()) != 3 {
			t.Errorf("a rule that is disabled calls: %v", w.Attempts())
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// What is down is tried again within the retry policy; what is left goes to the dead letter queue, with its story.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.Fail(func(target string) error {
			if target == dead {
				return nil
			}
			return errors.New("down")
		})
		s := open(t, dir, w)
		two := 2
		put(t, s, Rule{Name: "books", Pattern: books}, Target{ID: "f", ARN: function, Input: `"x"`, DeadLetters: dead, Retries: &two})
		event := Event{Source: "shop", DetailType: "Order", Detail: `{"kind": "book"}`}
		if _, err := s.Put(event); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if diff := cmp.Diff([]time.Duration{0, time.Second, 3 * time.Second, 3 * time.Second}, w.Attempts()); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
		want := map[string]string{"RULE_ARN": "arn:aws:events:us-east-1:000000000000:rule/books", "TARGET_ARN": function, "ERROR_CODE": "InternalFailure", "ERROR_MESSAGE": "down",
			"RETRY_ATTEMPTS": "2", "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts"}
		if diff := cmp.Diff(want, w.Attributes()); diff != "" || len(w.Of(dead)) != 1 || !strings.Contains(w.Of(dead)[0], `"source":"shop"`) {
			t.Errorf("the letter %v (-want +got):\n%s", w.Of(dead), diff)
		}
		// What is refused is not tried again, and without such a queue it is told.
		w.Fail(func(string) error {
			return &awsproto.Error{Code: "AccessDenied", Status: http.StatusForbidden, Message: "you may not"}
		})
		put(t, s, Rule{Name: "books", Pattern: books}, Target{ID: "f", ARN: function})
		if _, err := s.Put(event); err != nil || len(w.Attempts()) != 5 || len(w.Problems()) != 1 || !strings.Contains(w.Problems()[0], "you may not") {
			t.Errorf("%v attempts, problems %q, %v", w.Attempts(), w.Problems(), err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
