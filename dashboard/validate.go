package dashboard

import (
	"errors"
	"hash/fnv"
	"strconv"
	"strings"
)

// Path is where Grafana, and the local page, show the dashboard: /d/<UID>/<UID>.
func (d Dashboard) Path() string {
	uid := d.UID()
	return "/d/" + uid + "/" + uid
}

// UID is the name by which links and Grafana's API know the dashboard: its title in lower case
// with hyphens for all but letters and digits. A title of which that loses something, or more
// than 40 characters, which is Grafana's limit, gets a checksum behind it. The same title has
// the same UID for ever.
func (d Dashboard) UID() string {
	const limit, sum = 40, 8
	slug, lossless := slug(d.Title)
	if lossless && len(slug) <= limit {
		return slug
	}
	h := fnv.New32a()
	h.Write([]byte(d.Title))
	check := strconv.FormatUint(uint64(h.Sum32()), 16)
	check = strings.Repeat("0", sum-len(check)) + check
	if slug = strings.TrimRight(slug[:min(len(slug), limit-sum-1)], "-"); slug == "" {
		return check
	}
	return slug + "-" + check
}

// slug is lossless if only spaces, hyphens and letters' case are lost.
func slug(title string) (s string, lossless bool) {
	lossless = true
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(title) {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			gap = false
			b.WriteRune(r)
		default:
			gap = true
			lossless = lossless && (r == ' ' || r == '-')
		}
	}
	return b.String(), lossless && b.Len() > 0
}

// ValidateAll reports everything that is wrong with dashboards that are shown side by side: with each,
// and where two would have the same UID.
func ValidateAll(boards []Dashboard) error {
	var errs []error
	titles := map[string]string{}
	for _, d := range boards {
		if err := d.Validate(); err != nil {
			errs = append(errs, err)
			continue
		}
		uid := d.UID()
		if other, taken := titles[uid]; taken {
			errs = append(errs, errors.New("dashboard "+strconv.Quote(d.Title)+": its UID "+uid+" is that of "+strconv.Quote(other)+": change one of the titles"))
		}
		titles[uid] = d.Title
	}
	return errors.Join(errs...)
}

// Validate reports everything that is wrong with the dashboard, each with its place.
func (d Dashboard) Validate() error {
	v := validator{at: "dashboard " + strconv.Quote(d.Title)}
	if strings.TrimSpace(d.Title) == "" {
		v.bad("", "it has no title")
	}
	if d.JSON != nil && len(d.Panels) > 0 {
		v.bad("", "it has JSON and panels: the one stands in place of the other")
	}
	seen := map[string]bool{}
	for i, p := range d.Panels {
		at := "panel " + strconv.Itoa(i+1) + " " + strconv.Quote(p.Title)
		if strings.TrimSpace(p.Title) == "" {
			v.bad(at, "it has no title")
		} else if seen[p.Title] && p.Kind != Row {
			v.bad(at, "there are two of that title")
		}
		seen[p.Title] = seen[p.Title] || p.Kind != Row
		p.validate(func(what string) { v.bad(at, what) })
	}
	return errors.Join(v.errs...)
}

func (p Panel) validate(bad func(string)) {
	switch p.Kind {
	case Row:
		if len(p.Queries) > 0 {
			bad("a row is a heading and has no queries")
		}
		return
	case Lines, Bars, Stat, Heat:
	default:
		bad("the kind " + strconv.Quote(string(p.Kind)) + " is not known")
	}
	switch p.Reduce {
	case Last, Sum, Max:
	default:
		bad("the reduction " + strconv.Quote(string(p.Reduce)) + " is not known")
	}
	if p.Width < 0 || p.Width > Columns {
		bad("its width is " + strconv.Itoa(p.Width) + "; the grid has " + strconv.Itoa(Columns) + " columns")
	}
	if p.Height < 0 {
		bad("its height is " + strconv.Itoa(p.Height))
	}
	if len(p.Queries) == 0 {
		bad("it has no query")
	}
	if len(p.Queries) > 26 {
		bad("it has more than 26 queries")
	}
	for i, q := range p.Queries {
		at := "query " + strconv.Itoa(i+1) + ": "
		if strings.TrimSpace(q.InfluxQL) == "" {
			bad(at + "the statement is empty")
		} else if !strings.Contains(q.InfluxQL, "$timeFilter") {
			bad(at + "without $timeFilter it would read everything there is")
		}
		if q.Rollup != "" && !reads(q.InfluxQL) {
			bad(at + `beside a statement for long ranges, it has to read FROM "orders" WHERE $timeFilter: spelled so, and only then what else there is`)
		}
		if q.Rollup != "" && !reads(q.Rollup, "$rollup", "$minutes") {
			bad(at + `the statement for long ranges has to read FROM "$rollup"."orders" WHERE $timeFilter, or "$minutes": spelled so, and only then what else there is`)
		}
		switch q.Color {
		case "", "red", "green", "blue", "orange", "yellow", "purple":
		default:
			bad(at + "the color " + strconv.Quote(q.Color) + " is not one of red, green, blue, orange, yellow, purple")
		}
	}
}

type validator struct {
	at   string
	errs []error
}

func (v *validator) bad(place, what string) {
	if place != "" {
		place += ": "
	}
	v.errs = append(v.errs, errors.New(v.at+": "+place+what))
}
