package ephor_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ephor-io/ephor"
)

func TestScheduleExpressions(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]ephor.Schedule{
		"rate(1 minute)":          {Rate: time.Minute},
		"rate(90 minutes)":        {Rate: 90 * time.Minute},
		"rate(1 hour)":            {Rate: time.Hour},
		"rate(2 days)":            {Rate: 48 * time.Hour},
		"cron(0 8 ? * MON-FRI *)": {Cron: "0 8 ? * MON-FRI *"},
		"at(2026-12-24T18:00:00)": {At: "2026-12-24T18:00:00"},
	} {
		if got := s.Expression(); got != want {
			t.Errorf("%+v is %s, want %s", s, got, want)
		}
	}
}

func TestSourcesAreValidated(t *testing.T) {
	t.Parallel()
	f := func(want string, build func(*ephor.App, *ephor.Function)) {
		t.Helper()
		app := ephor.New("Shop")
		build(app, app.Function("F", func() {}))
		err := app.Validate()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	messages := func(want string, m ephor.Messages, edit func(*ephor.Queue)) {
		t.Helper()
		f(want, func(a *ephor.App, fn *ephor.Function) {
			m.Queue = a.Queue("Q")
			if edit != nil {
				edit(m.Queue)
			}
			a.On(m, fn)
		})
	}
	schedule := func(want string, s ephor.Schedule) {
		t.Helper()
		f(want, func(a *ephor.App, fn *ephor.Function) { a.On(s, fn) })
	}
	messages("", ephor.Messages{Batch: 100, Window: time.Second, Filters: []string{`{"body": ["x"]}`}, Concurrency: 2}, nil)
	messages("may be 1 to 10000", ephor.Messages{Batch: 10001}, nil)
	messages("wants a Window", ephor.Messages{Batch: 11}, nil)
	messages("10 at most", ephor.Messages{Batch: 11}, func(q *ephor.Queue) { q.FIFO = true })
	messages("no Window", ephor.Messages{Window: time.Second}, func(q *ephor.Queue) { q.FIFO = true })
	messages("whole seconds, 5m", ephor.Messages{Window: 6 * time.Minute}, nil)
	messages("2 to 1000", ephor.Messages{Concurrency: 1}, nil)
	messages("body alone", ephor.Messages{Filters: []string{`{"messageId": ["x"]}`}}, nil)
	messages("no JSON object", ephor.Messages{Filters: []string{`x`}}, nil)
	messages("less than the function's timeout of 3s", ephor.Messages{}, func(q *ephor.Queue) { q.Visibility = 2 * time.Second })
	messages("12h at most", ephor.Messages{}, func(q *ephor.Queue) { q.Visibility = 13 * time.Hour })
	messages("Retention", ephor.Messages{}, func(q *ephor.Queue) { q.Retention = time.Second })
	messages("Tries without DeadLetters", ephor.Messages{}, func(q *ephor.Queue) { q.Tries = 3 })
	messages("another queue", ephor.Messages{}, func(q *ephor.Queue) { q.DeadLetters = q })
	messages("ContentDedup is a FIFO", ephor.Messages{}, func(q *ephor.Queue) { q.ContentDedup = true })
	f("its queue does not belong", func(a *ephor.App, fn *ephor.Function) { a.On(ephor.Messages{}, fn) })
	f("call the function already", func(a *ephor.App, fn *ephor.Function) {
		q := a.Queue("Q")
		a.On(ephor.Messages{Queue: q}, fn)
		a.On(ephor.Messages{Queue: q, Batch: 1}, fn)
	})
	f("there are two of that name", func(a *ephor.App, _ *ephor.Function) { a.Queue("Q"); a.Queue("q") })
	f("its function does not belong", func(a *ephor.App, _ *ephor.Function) { a.On(ephor.Schedule{Rate: time.Minute}, nil) })
	f("takes requests", func(a *ephor.App, _ *ephor.Function) {
		a.On(ephor.Schedule{Rate: time.Minute}, a.Function("H", http.NotFoundHandler()))
	})
	schedule("", ephor.Schedule{Rate: time.Minute})
	schedule("", ephor.Schedule{Cron: "0/5 * * * ? *", Zone: "Europe/Berlin", Input: `{}`, Flexible: time.Minute})
	schedule("one of Rate, Cron and At", ephor.Schedule{})
	schedule("one of Rate, Cron and At", ephor.Schedule{Rate: time.Minute, At: "2026-12-24T18:00:00"})
	schedule("whole minutes", ephor.Schedule{Rate: time.Second})
	schedule("has 5 fields", ephor.Schedule{Cron: "* * * * *"})
	schedule("one of day of month", ephor.Schedule{Cron: "0 8 * * * *"})
	schedule("it is written", ephor.Schedule{At: "tomorrow"})
	schedule("not known", ephor.Schedule{Rate: time.Minute, Zone: "Mars/North"})
	schedule("not JSON", ephor.Schedule{Rate: time.Minute, Input: "x"})
	schedule("24h at most", ephor.Schedule{Rate: time.Minute, Flexible: time.Second})
	f("", func(a *ephor.App, fn *ephor.Function) {
		b := a.Bucket("B")
		a.On(ephor.Objects{Bucket: b, Suffix: ".png"}, fn)
		a.On(ephor.Objects{Bucket: b, Suffix: ".jpg"}, fn)
		a.On(ephor.Objects{Bucket: b, Removed: true}, fn)
		fn.Use(b)
	})
	f("overlap", func(a *ephor.App, fn *ephor.Function) {
		b := a.Bucket("B")
		a.On(ephor.Objects{Bucket: b, Prefix: "in/"}, fn)
		a.On(ephor.Objects{Bucket: b, Suffix: ".jpg"}, fn)
	})
	f("leave room", func(a *ephor.App, _ *ephor.Function) { a.Bucket(strings.Repeat("b", 30)) })
	f("the name is taken", func(a *ephor.App, fn *ephor.Function) {
		fn.Environment = map[string]string{"QUEUE_Q": "x"}
		fn.Use(a.Queue("Q"))
	})
	notifications := func(want string, n ephor.Notifications) {
		t.Helper()
		f(want, func(a *ephor.App, fn *ephor.Function) { n.Topic = a.Topic("T"); a.On(n, fn); fn.Use(n.Topic) })
	}
	notifications("", ephor.Notifications{Filter: `{"kind": ["book"]}`})
	notifications("", ephor.Notifications{Filter: `{"kind": {"of": ["book"]}}`, Body: true})
	notifications("no JSON object", ephor.Notifications{Filter: `[]`})
	notifications("looks into", ephor.Notifications{Filter: `{"kind": {"of": ["book"]}}`})
	notifications("SNS takes 5", ephor.Notifications{Filter: `{"a": [1], "b": [1], "c": [1], "d": [1], "e": [1], "f": [1]}`})
	notifications("there is none", ephor.Notifications{Body: true})
	notifications("not FIFO", ephor.Notifications{DeadLetters: ephor.New("B").Queue("Q")})
	f("its topic does not belong", func(a *ephor.App, fn *ephor.Function) { a.On(ephor.Notifications{}, fn) })
	f("one subscription", func(a *ephor.App, fn *ephor.Function) {
		topic := a.Topic("T")
		a.On(ephor.Notifications{Topic: topic}, fn)
		a.On(ephor.Notifications{Topic: topic, Filter: `{"a": ["b"]}`}, fn)
	})
	matching := func(want string, e ephor.Events) {
		t.Helper()
		f(want, func(a *ephor.App, fn *ephor.Function) { a.On(e, fn) })
	}
	matching("", ephor.Events{Pattern: `{"source": ["shop"]}`})
	matching("no JSON object", ephor.Events{})
	matching("Pattern is empty", ephor.Events{Pattern: `{}`})
	matching("EventBridge takes 4096", ephor.Events{Pattern: `{"source": ["` + strings.Repeat("x", 4096) + `"]}`})
	matching("its bus does not belong", ephor.Events{Bus: ephor.New("B").Bus("X"), Pattern: `{"source": ["shop"]}`})
	matching("not FIFO", ephor.Events{DeadLetters: ephor.New("B").Queue("Q"), Pattern: `{"source": ["shop"]}`})
	f("there are two of that name", func(a *ephor.App, _ *ephor.Function) { a.Topic("T"); a.Topic("t") })
	f("they call the function already", func(a *ephor.App, fn *ephor.Function) {
		e := ephor.Events{Bus: a.Bus("B"), Pattern: `{"source": ["shop"]}`}
		fn.Use(e.Bus)
		a.On(e, fn)
		a.On(e, fn)
	})
	f("does not belong", func(a *ephor.App, fn *ephor.Function) { fn.Use(ephor.New("B").Queue("Q")) })
}
