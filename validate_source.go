package ephor

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// maxBucketName is what is left of a bucket's 63 characters before its account and region.
const maxBucketName = 34

// bad collects errors about one thing.
type bad func(format string, args ...any)

func (a *App) validateSources() (errs []error) {
	about := func(what string) bad {
		return func(format string, args ...any) { errs = append(errs, fmt.Errorf(what+": "+format, args...)) }
	}
	seen := map[string]bool{}
	name := func(kind, name string, bad bad) {
		if !matches(validFunction, name) {
			bad("a name is a letter, then letters or digits, 41 at most")
		}
		if key := kind + strings.ToLower(name); seen[key] {
			bad("there are two of that name")
		} else {
			seen[key] = true
		}
	}
	for _, q := range a.queues {
		bad := about(fmt.Sprintf("queue %q", q.Name))
		name("queue", q.Name, bad)
		a.validateQueue(q, bad)
	}
	for _, b := range a.buckets {
		bad := about(fmt.Sprintf("bucket %q", b.Name))
		name("bucket", b.Name, bad)
		if n := len(a.name) + 1 + len(b.Name); n > maxBucketName {
			bad("with the application's name and a hyphen it has %d characters; %d leave room for account and region in a bucket's 63", n, maxBucketName)
		}
	}
	for _, t := range a.topics {
		name("topic", t.Name, about(fmt.Sprintf("topic %q", t.Name)))
	}
	for _, b := range a.buses {
		name("bus", b.Name, about(fmt.Sprintf("bus %q", b.Name)))
	}
	for _, f := range a.functions {
		for variable, r := range f.Uses() {
			bad := about(fmt.Sprintf("function %q", f.Name))
			if !a.has(r) {
				bad("what it uses as %s does not belong to this application", variable)
			}
			if _, taken := f.Environment[variable]; taken {
				bad("environment variable %s: the name is taken by what the function uses", variable)
			}
		}
	}
	for i, t := range a.triggers {
		if t.Function == nil || !slices.Contains(a.functions, t.Function) {
			errs = append(errs, fmt.Errorf("source %d: its function does not belong to this application", i+1))
			continue
		}
		bad := about(fmt.Sprintf("function %q, %s", t.Function.Name, describe(t.Source)))
		if _, ok := t.Function.Handler.(http.Handler); ok {
			bad("its handler is an http.Handler, which takes requests and no such events")
		}
		a.validateTrigger(t, a.triggers[:i], bad)
	}
	return errs
}

// describe names a source in errors.
func describe(s Source) string {
	switch s := s.(type) {
	case Messages:
		if s.Queue != nil {
			return fmt.Sprintf("messages of queue %q", s.Queue.Name)
		}
		return "messages"
	case Schedule:
		return fmt.Sprintf("schedule %s", s.Expression())
	case Objects:
		if s.Bucket != nil {
			return fmt.Sprintf("objects of bucket %q", s.Bucket.Name)
		}
		return "objects"
	case Notifications:
		if s.Topic != nil {
			return fmt.Sprintf("notifications of topic %q", s.Topic.Name)
		}
		return "notifications"
	case Events:
		return "events " + s.Pattern
	}
	return "a source"
}

func (a *App) has(r Resource) bool {
	switch r := r.(type) {
	case *Queue:
		return slices.Contains(a.queues, r)
	case *Bucket:
		return slices.Contains(a.buckets, r)
	case *Topic:
		return slices.Contains(a.topics, r)
	case *Bus:
		return slices.Contains(a.buses, r)
	}
	return false
}

func whole(d, unit, low, high time.Duration) bool { return d%unit == 0 && d >= low && d <= high }

func (a *App) validateQueue(q *Queue, bad bad) {
	if !whole(q.Visibility, time.Second, 0, 12*time.Hour) {
		bad("Visibility is %v; it may be whole seconds, 12h at most", q.Visibility)
	}
	if !whole(q.Delay, time.Second, 0, 15*time.Minute) {
		bad("Delay is %v; it may be whole seconds, 15m at most", q.Delay)
	}
	if q.Retention != 0 && !whole(q.Retention, time.Second, time.Minute, 14*24*time.Hour) {
		bad("Retention is %v; it may be whole seconds from 1m to 336h", q.Retention)
	}
	if q.ContentDedup && !q.FIFO {
		bad("ContentDedup is a FIFO queue's")
	}
	switch d := q.DeadLetters; {
	case d == nil && q.Tries != 0:
		bad("Tries without DeadLetters: messages have nowhere to go after them")
	case d == nil:
	case d == q || !slices.Contains(a.queues, d):
		bad("DeadLetters is another queue of this application")
	case d.FIFO != q.FIFO:
		bad("DeadLetters is of the other type: a FIFO queue's is FIFO, another's is not")
	case q.Tries < 0 || q.Tries > 1000:
		bad("Tries is %d; it may be 1 to 1000", q.Tries)
	}
}

func (a *App) validateTrigger(t Trigger, before []Trigger, bad bad) {
	switch s := t.Source.(type) {
	case Messages:
		if s.Queue == nil || !slices.Contains(a.queues, s.Queue) {
			bad("its queue does not belong to this application")
			return
		}
		s.validate(t.Function, bad)
		for _, other := range before {
			if o, ok := other.Source.(Messages); ok && o.Queue == s.Queue && other.Function == t.Function {
				bad("they call the function already")
			}
		}
	case Schedule:
		s.validate(bad)
		if slices.ContainsFunc(before, func(o Trigger) bool { return o.Function == t.Function && o.Source == Source(s) }) {
			bad("it calls the function already")
		}
	case Objects:
		if s.Bucket == nil || !slices.Contains(a.buckets, s.Bucket) {
			bad("its bucket does not belong to this application")
			return
		}
		for _, other := range before {
			// S3 refuses two for one event: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
			if o, ok := other.Source.(Objects); ok && o.Bucket == s.Bucket && o.Removed == s.Removed && s.overlaps(o) {
				bad("prefix %q and suffix %q overlap with those of function %q, and S3 tells one function of an object", s.Prefix, s.Suffix, other.Function.Name)
			}
		}
	case Notifications:
		a.validateNotifications(t, s, before, bad)
	case Events:
		a.validateEvents(t, s, before, bad)
	default:
		bad("it is %T; there are ephor.Messages, ephor.Schedule, ephor.Objects, ephor.Notifications and ephor.Events", t.Source)
	}
}

func (s Objects) overlaps(o Objects) bool {
	return (strings.HasPrefix(s.Prefix, o.Prefix) || strings.HasPrefix(o.Prefix, s.Prefix)) &&
		(strings.HasSuffix(s.Suffix, o.Suffix) || strings.HasSuffix(o.Suffix, s.Suffix))
}

func (s Messages) validate(f *Function, bad bad) {
	switch {
	case s.Batch < 0 || s.Batch > 10000:
		bad("Batch is %d; it may be 1 to 10000", s.Batch)
	case s.Queue.FIFO && s.Batch > 10:
		bad("Batch is %d; a FIFO queue's is 10 at most", s.Batch)
	case s.Batch > 10 && s.Window == 0:
		bad("a Batch of %d wants a Window of a second or more, in which it is gathered", s.Batch)
	}
	switch {
	case !whole(s.Window, time.Second, 0, 5*time.Minute):
		bad("Window is %v; it may be whole seconds, 5m at most", s.Window)
	case s.Queue.FIFO && s.Window > 0:
		bad("a FIFO queue's messages are not gathered: no Window")
	}
	if s.Concurrency != 0 && (s.Concurrency < 2 || s.Concurrency > 1000) {
		bad("Concurrency is %d; it may be 2 to 1000", s.Concurrency)
	}
	if timeout := cmp.Or(f.Timeout, 3*time.Second); s.Queue.Visibility != 0 && s.Queue.Visibility < timeout {
		bad("the queue's Visibility of %v is less than the function's timeout of %v: others would get what it still works on", s.Queue.Visibility, timeout)
	}
	if len(s.Filters) > 5 {
		bad("there are %d filters; Lambda takes 5", len(s.Filters))
	}
	for _, text := range s.Filters {
		var pattern map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &pattern); err != nil {
			bad("the filter %s is no JSON object: %v", text, err)
		} else if len(pattern) != 1 || pattern["body"] == nil {
			bad(`the filter %s: a queue's looks at body alone, as {"body": {"kind": ["book"]}} does`, text)
		}
	}
}

func (s Schedule) validate(bad bad) {
	given := 0
	for _, is := range []bool{s.Rate != 0, s.Cron != "", s.At != ""} {
		if is {
			given++
		}
	}
	if given != 1 {
		bad("one of Rate, Cron and At says when, not %d", given)
		return
	}
	if s.Rate != 0 && !whole(s.Rate, time.Minute, time.Minute, 1<<62) {
		bad("Rate is %v; it may be whole minutes", s.Rate)
	}
	if fields := strings.Fields(s.Cron); s.Cron != "" && len(fields) != 6 {
		bad("Cron %q has %d fields; it has minutes, hours, day of month, month, day of week and year", s.Cron, len(fields))
	} else if s.Cron != "" && (fields[2] == "?") == (fields[4] == "?") {
		bad("Cron %q: one of day of month and day of week is ?", s.Cron)
	}
	if _, err := time.Parse("2006-01-02T15:04:05", s.At); s.At != "" && err != nil {
		bad("At is %q; it is written 2026-12-24T18:00:00", s.At)
	}
	if _, err := time.LoadLocation(s.Zone); err != nil || s.Zone == "Local" {
		bad("Zone %q is not known; one is Europe/Berlin", s.Zone)
	}
	if s.Input != "" && !json.Valid([]byte(s.Input)) {
		bad("Input is not JSON")
	}
	if !whole(s.Flexible, time.Minute, 0, 24*time.Hour) {
		bad("Flexible is %v; it may be whole minutes, 24h at most", s.Flexible)
	}
}
