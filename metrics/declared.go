package metrics

// Declared is an instrument as it is declared: what its points in the store look like.
type Declared struct {
	// Name is the measurement's.
	Name string
	// Kind is what was made: "counter", "gauge" or "histogram"; a gauge by function is a gauge, and
	// counters that go down or count fractions are counters.
	Kind string
	// Tags are the keys of its tags, sorted, which are the same for all of its name.
	Tags []string
}

// Declared are the names of the set's instruments in the order in which each was first made, whatever
// their tags. It is what a dashboard can be made from.
func (s *Set) Declared() []Declared {
	var all []Declared
	seen := map[string]bool{}
	for _, r := range s.instruments() {
		if seen[r.name] {
			continue
		}
		seen[r.name] = true
		d := Declared{Name: r.name, Kind: "histogram"}
		switch r.instrument.(type) {
		case *Counter, *UpDownCounter, *FloatCounter:
			d.Kind = "counter"
		case *Gauge, *GaugeFunc:
			d.Kind = "gauge"
		}
		for _, t := range r.tags {
			d.Tags = append(d.Tags, t.Key)
		}
		all = append(all, d)
	}
	return all
}
