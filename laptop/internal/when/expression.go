// Package when reads when schedules call: at(…), rate(…) and cron(…), in the way of EventBridge Scheduler, of which
// EventBridge's own rules know the last two.
package when

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Expression says when a schedule calls: at(…), rate(…) or cron(…), as in
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
type Expression struct {
	at    time.Time
	every time.Duration
	cron  *cron
	zone  *time.Location
}

var validRate = regexp.MustCompile(`^([1-9][0-9]*) (minute|hour|day)(s?)$`)

// Parse reads an expression. Zone is where at and cron are told; "" means UTC.
func Parse(text, zone string) (Expression, error) {
	var e Expression
	var err error
	if zone == "Local" {
		return e, fmt.Errorf("the time zone %q is no place's", zone)
	}
	if e.zone, err = time.LoadLocation(zone); err != nil {
		return e, err
	}
	kind, rest, _ := strings.Cut(text, "(")
	inner, closed := strings.CutSuffix(rest, ")")
	if !closed {
		return e, fmt.Errorf("%q: an expression is at(…), rate(…) or cron(…)", text)
	}
	switch kind {
	case "at":
		e.at, err = time.ParseInLocation("2006-01-02T15:04:05", inner, e.zone)
	case "rate":
		m := validRate.FindStringSubmatch(inner)
		if m == nil || (m[1] == "1") != (m[3] == "") {
			return e, fmt.Errorf("%q: a rate is a number and minutes, hours or days; of one, without an s", text)
		}
		n, err := strconv.Atoi(m[1])
		if err != nil || n > 1e6 {
			return e, fmt.Errorf("%q: the number is too large", text)
		}
		e.every = time.Duration(n) * map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[m[2]]
	case "cron":
		e.cron, err = parseCron(inner)
	default:
		err = fmt.Errorf("an expression is at(…), rate(…) or cron(…)")
	}
	if err != nil {
		return e, fmt.Errorf("%q: %w", text, err)
	}
	return e, nil
}

// Once says that it is an at expression.
func (e Expression) Once() bool { return !e.at.IsZero() }

// Next is the first time behind after at which the schedule calls; ok is false if there is none. A rate
// is counted from begin, which is its first time.
func (e Expression) Next(begin, after time.Time) (next time.Time, ok bool) {
	switch {
	case e.Once():
		return e.at, e.at.After(after)
	case e.every > 0:
		if begin.After(after) {
			return begin, true
		}
		return begin.Add((after.Sub(begin)/e.every + 1) * e.every), true
	}
	return e.cron.next(after.In(e.zone))
}
