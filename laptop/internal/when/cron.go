package when

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// cron is a cron expression in AWS's form: minutes, hours, day of month, month, day of week, year.
type cron struct {
	minutes, hours, months, years field
	days, weekdays                days
}

// field are the values that fit.
type field []bool

func (f field) has(n int) bool { return n < len(f) && f[n] }

// days are the days of a month that fit: by number, or as one of the special words says.
type days struct {
	any     bool // a question mark: the other field decides
	numbers field
	last    bool  // L: the month's last day, or in numbers' place the last of the weekday in nth
	nearest []int // nW: the weekday nearest to the day; 0 is LW
	nth     []nth
}

// nth is a weekday and which of the month it is; 0 is the last.
type nth struct{ weekday, n int }

var (
	monthNames = []string{"", "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
	dayNames   = []string{"", "SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}
)

const firstYear, lastYear = 1970, 2199

func parseCron(text string) (*cron, error) {
	fields := strings.Fields(text)
	if len(fields) != 6 {
		return nil, fmt.Errorf("it has %d fields; it has minutes, hours, day of month, month, day of week and year", len(fields))
	}
	if (fields[2] == "?") == (fields[4] == "?") {
		return nil, fmt.Errorf("one of day of month and day of week is ?")
	}
	var c cron
	var err error
	for _, f := range []struct {
		name      string
		into      *field
		text      string
		low, high int
		names     []string
	}{{"minutes", &c.minutes, fields[0], 0, 59, nil}, {"hours", &c.hours, fields[1], 0, 23, nil}, {"month", &c.months, fields[3], 1, 12, monthNames},
		{"year", &c.years, fields[5], firstYear, lastYear, nil}} {
		if *f.into, err = parseField(f.text, f.low, f.high, f.names); err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	if c.days, err = parseDays(fields[2]); err != nil {
		return nil, fmt.Errorf("day of month: %w", err)
	}
	if c.weekdays, err = parseWeekdays(fields[4]); err != nil {
		return nil, fmt.Errorf("day of week: %w", err)
	}
	return &c, nil
}

// parseField reads a list of *, n, a-b, and either with /step.
func parseField(text string, low, high int, names []string) (field, error) {
	f := make(field, high+1)
	value := func(s string) (int, error) {
		n, err := strconv.Atoi(s)
		if i := slices.Index(names, strings.ToUpper(s)); err != nil && i > 0 {
			n, err = i, nil
		}
		if err != nil || n < low || n > high {
			return 0, fmt.Errorf("%q is not between %d and %d", s, low, high)
		}
		return n, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			var err error
			if step, err = strconv.Atoi(stepText); err != nil || step < 1 {
				return nil, fmt.Errorf("%q is no step", stepText)
			}
		}
		first, last, ranged := strings.Cut(span, "-")
		from, to := low, high
		if span != "*" {
			var err error
			if from, err = value(first); err != nil {
				return nil, err
			}
			if ranged {
				if to, err = value(last); err != nil {
					return nil, err
				}
			} else if !stepped {
				to = from
			}
		}
		if to < from {
			return nil, fmt.Errorf("%q goes backwards", span)
		}
		for n := from; n <= to; n += step {
			f[n] = true
		}
	}
	return f, nil
}

func parseDays(text string) (days, error) {
	var d days
	var plain []string
	if text == "?" {
		return days{any: true}, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		number, isNearest := strings.CutSuffix(part, "W")
		switch {
		case part == "L":
			d.last = true
		case part == "LW":
			d.nearest = append(d.nearest, 0)
		case isNearest:
			n, err := strconv.Atoi(number)
			if err != nil || n < 1 || n > 31 {
				return d, fmt.Errorf("%q is no day", part)
			}
			d.nearest = append(d.nearest, n)
		default:
			plain = append(plain, part)
		}
	}
	return d.with(plain, 1, 31, nil)
}

func parseWeekdays(text string) (days, error) {
	var d days
	var plain []string
	if text == "?" {
		return days{any: true}, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		day, which, isNth := strings.Cut(part, "#")
		if last, ok := strings.CutSuffix(part, "L"); ok && last != "" {
			day, which, isNth = last, "0", true
		}
		if part == "L" {
			part = "7" // Saturday
		}
		if !isNth {
			plain = append(plain, part)
			continue
		}
		one, err := parseField(day, 1, 7, dayNames)
		n, nerr := strconv.Atoi(which)
		if err != nil || nerr != nil || n > 5 || strings.ContainsAny(day, "*-/") {
			return d, fmt.Errorf("%q is no day", part)
		}
		d.nth = append(d.nth, nth{slices.Index(one, true), n})
	}
	return d.with(plain, 1, 7, dayNames)
}

func (d days) with(plain []string, low, high int, names []string) (days, error) {
	if len(plain) == 0 {
		return d, nil
	}
	var err error
	d.numbers, err = parseField(strings.Join(plain, ","), low, high, names)
	return d, err
}

// fits says that the day of t is one of those of both fields.
func (c *cron) fits(t time.Time) bool {
	last := time.Date(t.Year(), t.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	day, weekday := t.Day(), int(t.Weekday())+1
	ofMonth := c.days.any || c.days.numbers.has(day) || c.days.last && day == last ||
		slices.ContainsFunc(c.days.nearest, func(n int) bool { return day == nearest(t, n, last) })
	ofWeek := c.weekdays.any || c.weekdays.numbers.has(weekday) || slices.ContainsFunc(c.weekdays.nth, func(n nth) bool {
		return weekday == n.weekday && (n.n == (day-1)/7+1 || n.n == 0 && day+7 > last)
	})
	return ofMonth && ofWeek
}

// nearest is the day from Monday to Friday that is nearest to day n of t's month, and in it; 0 is the last.
func nearest(t time.Time, n, last int) int {
	if n == 0 {
		n = last
	}
	if n > last {
		return 0
	}
	switch time.Date(t.Year(), t.Month(), n, 0, 0, 0, 0, time.UTC).Weekday() {
	case time.Saturday:
		if n == 1 {
			return 3
		}
		return n - 1
	case time.Sunday:
		if n == last {
			return n - 2
		}
		return n + 1
	}
	return n
}

// next is the first time behind after, in after's zone. A time that the zone skips when it changes to
// summer time is skipped; one that comes twice is taken once.
func (c *cron) next(after time.Time) (time.Time, bool) {
	zone := after.Location()
	// Noon is on every day of every zone.
	for day := time.Date(after.Year(), after.Month(), after.Day(), 12, 0, 0, 0, zone); day.Year() <= lastYear; day = day.AddDate(0, 0, 1) {
		if !c.years.has(day.Year()) {
			day = time.Date(day.Year(), 12, 31, 12, 0, 0, 0, zone)
			continue
		}
		if !c.months.has(int(day.Month())) || !c.fits(day) {
			continue
		}
		for hour := range 24 {
			if !c.hours.has(hour) {
				continue
			}
			for minute := range 60 {
				t := time.Date(day.Year(), day.Month(), day.Day(), hour, minute, 0, 0, zone)
				if c.minutes.has(minute) && t.Hour() == hour && t.Minute() == minute && t.After(after) {
					return t, true
				}
			}
		}
	}
	return time.Time{}, false
}
