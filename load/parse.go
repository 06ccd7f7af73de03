package load

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// PlanError says where a plan does not parse, and what should be there.
type PlanError struct {
	Plan string
	// Offset is the byte of Plan at which the trouble begins.
	Offset int
	Err    error
}

// Error shows the plan with a mark below the place.
func (e *PlanError) Error() string {
	printable := func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}
	column := utf8.RuneCountInString(e.Plan[:e.Offset])
	return fmt.Sprintf("load plan: %v\n  %s\n  %*s", e.Err, strings.Map(printable, e.Plan), column+1, "^")
}

func (e *PlanError) Unwrap() error { return e.Err }

// ParsePlan reads DURATION@RATE[..RATE], comma-separated: "10s@50,10s@50..300" holds 50 a
// second for ten seconds and then goes up to 300 in ten more. Rates are per second and may have
// fractions. Blanks are allowed around the commas. Errors are of type *PlanError.
func ParsePlan(text string) (Plan, error) {
	var plan Plan
	rest := text
	fail := func(at string, err error) (Plan, error) {
		return nil, &PlanError{Plan: text, Offset: len(text) - len(at), Err: err}
	}
	for {
		rest = strings.TrimLeft(rest, " ")
		begin := rest
		s, after, err := parseSegment(rest)
		if err != nil {
			return fail(after, err)
		}
		plan = append(plan, s)
		if err := plan.Validate(); err != nil && !errors.Is(err, errNothing) {
			return fail(begin, err)
		}
		rest = strings.TrimLeft(after, " ")
		if rest == "" {
			break
		}
		if rest[0] != ',' {
			return fail(rest, errors.New("expected a comma or the end here"))
		}
		rest = rest[1:]
	}
	if err := plan.Validate(); err != nil {
		return fail(text, err)
	}
	return plan, nil
}

var (
	errDuration = errors.New("expected a duration such as 10s, 1m30s or 500ms")
	errRate     = errors.New("expected a rate per second such as 50 or 0.5")
)

// parseSegment reads one segment and returns what comes after it, or what the error is at.
func parseSegment(text string) (s Segment, rest string, err error) {
	end := strings.IndexAny(text, "@, ")
	if end < 0 {
		end = len(text)
	}
	d, err := time.ParseDuration(text[:end])
	switch {
	case err != nil:
		return s, text, errDuration
	case end == len(text) || text[end] != '@':
		return s, text[end:], errors.New("expected @ and a rate, as in 10s@50")
	}
	s.Duration = d
	if err := (Segment{Duration: d}).validate(); err != nil {
		return s, text, err
	}
	rest = text[end+1:]
	if s.From, rest, err = parseRate(rest); err != nil {
		return s, rest, err
	}
	s.To = s.From
	if after, ok := strings.CutPrefix(rest, ".."); ok {
		s.To, rest, err = parseRate(after)
	}
	return s, rest, err
}

// parseRate reads digits, and a point and more digits if there are. A point that another one
// follows belongs to the range.
func parseRate(text string) (rate float64, rest string, err error) {
	end := digits(text)
	if end == 0 {
		return 0, text, errRate
	}
	if more := text[end:]; len(more) > 1 && more[0] == '.' && digits(more[1:]) > 0 {
		end += 1 + digits(more[1:])
	}
	if rate, err = strconv.ParseFloat(text[:end], 64); err != nil || rate > MaxRate {
		return 0, text, fmt.Errorf("a rate is between 0 and %d per second", MaxRate)
	}
	return rate, text[end:], nil
}

func digits(text string) int {
	return len(text) - len(strings.TrimLeft(text, "0123456789"))
}
