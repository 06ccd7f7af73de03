package storetest

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/loss"
	"github.com/ephor-io/ephor/metrics"
)

// replay: a batch whose answer never came is sent again, byte for byte, and is in the store once.
func replay(s *suite) {
	s.wire.set(func(n int, _ *http.Request, points string) (string, bool, bool) { return points, true, n > 1 })
	e := s.environment("one", nil)
	e.invoke() // stored, and not heard
	if err := e.flush(); err == nil {
		s.Error("a batch was acknowledged whose answer was not heard")
	}
	e.finish()
	sent := s.wire.seen()
	if len(sent) < 3 || sent[0].status/100 != 2 || sent[1].status/100 != 2 {
		s.Fatalf("sent %+v", sent)
	}
	if diff := cmp.Diff([]string{sent[0].points, sent[0].points}, []string{sent[1].points, sent[2].points}); diff != "" {
		s.Errorf("not the same bytes (-want +got):\n%s", diff)
	}
	s.want(`SELECT count("duration_ms") FROM "invocation" WHERE`, "1")
	s.want(`SELECT sum("count"), count("count") FROM "hits_replay" WHERE`, "1,1")
	s.want(`SELECT max("seq"), count("seq"), max("dropped"), max("retries") FROM "publisher" WHERE`, "2,2,0,2")
}

// conflict: a point whose field is of another type than the store has it costs no other point, is
// counted, and is not sent again.
func conflict(s *suite) {
	wall, _ := s.clock.now()
	s.post(fmt.Sprintf("conflicting,function=conflict,instance=one,version=7 count=\"text\" %d\n", wall.UnixNano()))
	e := s.environment("one", nil)
	counter(s, e.set, "conflicting").Inc()
	e.losesOne()
	s.want(`SELECT count("count") FROM "conflicting" WHERE`, "1")
}

// conflicts: so do more of them than a store may name.
func conflicts(s *suite) {
	const n = 150
	wall, _ := s.clock.now()
	s.post(fmt.Sprintf("conflicting_all,function=conflicts,instance=one,number=1,version=7 count=\"text\" %d\n", wall.UnixNano()))
	e := s.environment("one", nil)
	for i := range n {
		counter(s, e.set, "conflicting_all", metrics.With("number", fmt.Sprint(i))).Inc()
	}
	e.invoke()
	if err := e.flush(); err != nil {
		s.Errorf("the publisher holds on to it: %v", err)
	}
	e.finish()
	sent := s.wire.seen()
	points := strings.Count(sent[0].points, "\n") - n
	s.want(`SELECT max("dropped"), max("points"), max("retries"), count("final") FROM "publisher" WHERE`, fmt.Sprintf("%d,%d,0,1", n, points))
	s.want(`SELECT count("duration_ms") FROM "invocation" WHERE`, "1")
	s.want(`SELECT sum("count") FROM "hits_conflicts" WHERE`, "1")
}

// malformed: the same of a point that the store cannot even read.
func malformed(s *suite) {
	s.wire.set(func(_ int, _ *http.Request, points string) (string, bool, bool) {
		var b strings.Builder
		for l := range strings.Lines(points) {
			if strings.HasPrefix(l, "bad") {
				l = "bad,function=malformed count= 1\n"
			}
			b.WriteString(l)
		}
		return b.String(), true, true
	})
	e := s.environment("one", nil)
	counter(s, e.set, "bad").Inc()
	e.losesOne()
}

// losesOne checks that of all points of two invocations one is dropped, and that nothing is sent again as it
// was.
func (e *environment) losesOne() {
	e.Helper()
	s := e.suite
	e.invoke()
	if err := e.flush(); err != nil {
		s.Errorf("the publisher holds on to it: %v", err)
	}
	e.invoke()
	e.finish()
	s.want(`SELECT count("duration_ms") FROM "invocation" WHERE`, "2")
	s.want(`SELECT sum("count") FROM "hits_`+s.function+`" WHERE`, "2")
	s.want(`SELECT max("dropped"), max("retries"), count("final") FROM "publisher" WHERE`, "1,0,1")
	seen := map[string]bool{}
	for _, w := range s.wire.seen() {
		if seen[w.points] {
			s.Errorf("sent twice:\n%s", w.points)
		}
		seen[w.points] = true
	}
	if !strings.Contains(s.logged.String(), "1 points are lost so far: the store refused them") {
		s.Errorf("logged %q", &s.logged)
	}
}

// credentials: with wrong ones nothing is stored and nothing lost: the batch waits for right ones.
func credentials(s *suite) {
	if s.store.Config.Token == "" {
		s.Skip("this store takes everybody")
	}
	wrong := s.store.Config.Token + "x"
	var right string
	s.wire.set(func(_ int, r *http.Request, points string) (string, bool, bool) {
		right = r.Header.Get("Authorization")
		switch scheme, _, _ := strings.Cut(right, " "); scheme {
		case "Basic":
			user, password, _ := strings.Cut(wrong, ":")
			r.SetBasicAuth(user, password)
		default:
			r.Header.Set("Authorization", scheme+" "+wrong)
		}
		return points, true, true
	})
	e := s.environment("one", nil)
	e.invoke()
	if err := e.flush(); err == nil {
		s.Error("wrong credentials were good enough")
	}
	for _, w := range s.wire.seen() {
		if w.status != http.StatusUnauthorized && w.status != http.StatusForbidden {
			s.Errorf("answered %d", w.status)
		}
	}
	if !strings.Contains(s.logged.String(), "EPHOR_STORE_TOKEN") || strings.Contains(s.logged.String(), s.store.Config.Token) {
		s.Errorf("logged %q", &s.logged)
	}
	s.want(`SELECT count("duration_ms") FROM "invocation" WHERE`, "")
	s.wire.set(nil)
	e.finish()
	s.want(`SELECT count("duration_ms") FROM "invocation" WHERE`, "1")
	s.want(`SELECT max("dropped") FROM "publisher" WHERE`, "0")
}

// missing: a batch for a database or bucket that is not there waits until it is.
func missing(s *suite) {
	const name = "elsewhere"
	e := s.environment("one", func(c *metrics.Config) {
		if c.Bucket != "" {
			c.Bucket = name
		} else {
			c.Database = name
		}
	})
	e.invoke()
	if s.store.Create != nil {
		if err := e.flush(); err == nil {
			s.Error("a database was written to that is not there")
		}
		if !strings.Contains(s.logged.String(), "the store must have what EPHOR_STORE_DATABASE, or EPHOR_STORE_BUCKET") {
			s.Errorf("logged %q", &s.logged)
		}
		s.store.Create(s.T, name)
	}
	e.finish()
	s.store.Database = name // a copy, of this part alone
	s.want(`SELECT count("duration_ms") FROM "invocation" WHERE`, "1")
	s.want(`SELECT max("dropped") FROM "publisher" WHERE`, "0")
}

// certificate: the publisher talks to a store whose certificate the pinned CA has signed, and to no other.
func certificate(s *suite) {
	e := s.environment("one", func(c *metrics.Config) { c.URL, c.CA = s.store.Config.URL, s.store.Config.CA })
	e.invoke()
	e.finish()
	s.want(`SELECT count("duration_ms") FROM "invocation" WHERE`, "1")
	if s.store.Config.CA == "" {
		return
	}
	for i, ca := range []string{NewAuthority(s.T).PEM, "system"} {
		e := s.environment(fmt.Sprint("wrong ", i), func(c *metrics.Config) { c.URL, c.CA = s.store.Config.URL, ca })
		e.invoke()
		if err := e.flush(); err == nil {
			s.Errorf("CA %.20q was good enough", ca)
		}
		if !strings.Contains(s.logged.String(), "certificate") {
			s.Errorf("logged %q", &s.logged)
		}
	}
	s.want(`SELECT count("duration_ms") FROM "invocation" WHERE`, "1")
}

// lost: of a batch that the store says it has and does not, the accounting tells.
func lost(s *suite) {
	s.wire.set(func(n int, _ *http.Request, points string) (string, bool, bool) { return points, n != 1, true })
	whole, gap := s.environment("whole", nil), s.environment("gap", nil)
	from, _ := s.clock.now()
	gap.invoke()
	gap.invoke() // into the void
	gap.invoke()
	for range 3 {
		whole.invoke()
	}
	gap.finish()
	whole.finish()
	period := loss.Period{From: from}
	in := func(instance string) loss.Environment {
		return loss.Environment{Function: s.function, Instance: instance}
	}
	served := map[loss.Environment]int64{in("whole"): 3, in("gap"): 3, in("never"): 1}
	want := loss.Report{Served: 7, Recorded: 5, Losses: []loss.Loss{
		{Environment: in("gap"), Served: 3, Recorded: 2, Batches: 1, Final: true},
		{Environment: in("never"), Served: 1},
	}}
	s.until(func() string {
		r, err := loss.Account(s.Context(), s.ask, period, served)
		if err != nil {
			return err.Error()
		}
		for i := range r.Losses {
			if l := &r.Losses[i]; l.Instance == "gap" && l.Silent.After(from.Add(time.Minute)) {
				l.Silent = time.Time{} // when its last batch was cut, which was later than all else
			}
		}
		if diff := cmp.Diff(want, r); diff != "" {
			return "(-want +got):\n" + diff
		}
		return ""
	})
}

// LossQuery is what docs/loss.md has people ask.
const LossQuery = `SELECT max(seq) - min(seq) + 1 - count(seq) AS missing, max(dropped) AS dropped, count(final) AS final
FROM publisher WHERE time > now() - 1h GROUP BY "function", "instance"`

// query: the publishers' own word for the same.
func query(s *suite) {
	s.wire.set(func(n int, _ *http.Request, points string) (string, bool, bool) { return points, n != 1, true })
	e := s.environment("gap", nil)
	for range 4 {
		e.invoke()
	}
	e.finish()
	s.until(func() string {
		series, err := s.ask(s.Context(), LossQuery)
		if err != nil {
			return err.Error()
		}
		for _, one := range series {
			if one.Tags["function"] == s.function && one.Tags["instance"] == "gap" {
				return cmp.Diff("[time missing dropped final] [1 0 1]", fmt.Sprintf("%s %s", one.Columns, one.Values[0][1:]))
			}
		}
		return "no series of the environment"
	})
}

// post writes points as the publisher would.
func (s *suite) post(points string) {
	s.Helper()
	c := s.store.Config
	address := c.URL + "/write?" + url.Values{"db": {s.store.Database}, "precision": {"ns"}}.Encode()
	if c.Bucket != "" {
		address = c.URL + "/api/v2/write?" + url.Values{"org": {c.Org}, "bucket": {c.Bucket}, "precision": {"ns"}}.Encode()
	}
	r, err := http.NewRequestWithContext(s.Context(), http.MethodPost, address, strings.NewReader(points))
	if err != nil {
		s.Fatal(err)
	}
	if _, err := s.do(r); err != nil {
		s.Fatal(err)
	}
}
