package when

import (
	"strings"
	"testing"
	"time"
)

func TestNext(t *testing.T) {
	t.Parallel()
	const layout = "2006-01-02 15:04:05 MST"
	f := func(expression, zone, after string, want ...string) {
		t.Helper()
		e, err := Parse(expression, zone)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			return
		}
		now, err := time.Parse(time.RFC3339, after)
		if err != nil {
			t.Fatal(err)
		}
		begin := now
		for _, w := range want {
			next, ok := e.Next(begin.Add(time.Second), now)
			got := "never"
			if ok {
				got = next.In(e.zone).Format(layout)
			}
			if got != w {
				t.Errorf("%s after %v: %s, want %s", expression, now, got, w)
			}
			now = next
		}
	}
	f("rate(5 minutes)", "", "2026-11-23T10:00:00Z", "2026-11-23 10:00:01 UTC", "2026-11-23 10:05:01 UTC", "2026-11-23 10:10:01 UTC")
	f("at(2026-12-24T18:00:00)", "Europe/Berlin", "2026-11-23T10:00:00Z", "2026-12-24 18:00:00 CET", "never")
	f("cron(0/15 * * * ? *)", "", "2026-11-23T10:01:00Z", "2026-11-23 10:15:00 UTC", "2026-11-23 10:30:00 UTC")
	f("cron(0 8 ? * MON-FRI *)", "", "2026-11-20T09:00:00Z", "2026-11-23 08:00:00 UTC", "2026-11-24 08:00:00 UTC")
	f("cron(0 10 L * ? *)", "", "2026-02-01T00:00:00Z", "2026-02-28 10:00:00 UTC", "2026-03-31 10:00:00 UTC")
	f("cron(0 10 1W * ? *)", "", "2026-07-15T00:00:00Z", "2026-08-03 10:00:00 UTC", "2026-09-01 10:00:00 UTC")
	f("cron(0 10 LW * ? *)", "", "2026-05-01T00:00:00Z", "2026-05-29 10:00:00 UTC")
	f("cron(0 10 ? * 3#2 *)", "", "2026-11-01T00:00:00Z", "2026-11-10 10:00:00 UTC", "2026-12-08 10:00:00 UTC")
	f("cron(15 10 ? * 6L 2026-2027)", "", "2026-11-01T00:00:00Z", "2026-11-27 10:15:00 UTC", "2026-12-25 10:15:00 UTC", "2027-01-29 10:15:00 UTC")
	f("cron(0 0 29 2 ? *)", "", "2026-11-01T00:00:00Z", "2028-02-29 00:00:00 UTC", "2032-02-29 00:00:00 UTC")
	f("cron(0 0 1 1 ? 2025)", "", "2026-11-01T00:00:00Z", "never")
	// In the spring 02:30 is not, in the autumn it is twice.
	f("cron(30 2 * * ? *)", "Europe/Berlin", "2026-03-28T00:00:00Z", "2026-03-28 02:30:00 CET", "2026-03-30 02:30:00 CEST")
	e, err := Parse("cron(30 2 * * ? *)", "Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	first, _ := e.Next(time.Time{}, time.Date(2026, 10, 24, 12, 0, 0, 0, time.UTC))
	second, _ := e.Next(time.Time{}, first)
	if first.Format("01-02 15:04") != "10-25 02:30" || second.Format("01-02 15:04") != "10-26 02:30" {
		t.Errorf("in the autumn: %v, then %v", first, second)
	}
}

func TestExpressionsThatAreRefused(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		"":                     "at(…)",
		"every(5 minutes)":     "at(…)",
		"rate(5 minutes":       "at(…)",
		"rate(1 minutes)":      "without an s",
		"rate(5 minute)":       "without an s",
		"rate(0 minutes)":      "a rate is",
		"rate(5 seconds)":      "a rate is",
		"at(2026-12-24)":       "cannot parse",
		"cron(* * * * *)":      "5 fields",
		"cron(0 8 * * * *)":    "is ?",
		"cron(0 8 ? * ? *)":    "is ?",
		"cron(60 8 * * ? *)":   "minutes: \"60\"",
		"cron(0 8 * FOO ? *)":  "month: \"FOO\"",
		"cron(0 8 ? * 8 *)":    "day of week",
		"cron(0 8 ? * 2#6 *)":  "no day",
		"cron(0 8 32W * ? *)":  "no day",
		"cron(5-1 8 * * ? *)":  "backwards",
		"cron(0/0 8 * * ? *)":  "no step",
		"cron(0 8 * * ? 1969)": "year",
	} {
		if _, err := Parse(expression, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", expression, err, want)
		}
	}
	if _, err := Parse("rate(1 day)", "Mars/North"); err == nil {
		t.Error("there is a zone Mars/North")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("cron(0/5 8-17 LW * ? *)", "Europe/Berlin")
	f.Add("rate(5 minutes)", "")
	f.Fuzz(func(t *testing.T, text, zone string) {
		e, err := Parse(text, zone)
		if err != nil {
			return
		}
		now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
		if next, ok := e.Next(now, now); ok && !next.After(now) {
			t.Errorf("%s: next after %v is %v", text, now, next)
		}
	})
}
