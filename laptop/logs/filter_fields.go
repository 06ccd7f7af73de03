package logs

import (
	"strconv"
	"strings"
)

// field is one place of a pattern for events that are delimited by spaces.
type field struct {
	holds condition[string] // nil for one that takes anything
}

// parseFieldsPattern reads [name, name OPERATOR VALUE, ...]: as many fields as the event has, of
// which an ellipsis stands for any number.
func parseFieldsPattern(s *scanner) (Pattern, error) {
	s.at++
	var before, after []field
	ellipsis := false
	for {
		if s.take("...") {
			if ellipsis {
				return Pattern{}, s.fail("there is a second ellipsis")
			}
			ellipsis = true
		} else {
			f, err := s.field()
			if err != nil {
				return Pattern{}, err
			}
			if ellipsis {
				after = append(after, f)
			} else {
				before = append(before, f)
			}
		}
		if s.take("]") {
			break
		}
		if !s.take(",") {
			return Pattern{}, s.fail("a comma or the closing ] is missing")
		}
	}
	if s.space(); !s.done() {
		return Pattern{}, s.fail("something follows the closing ]")
	}
	return Pattern{func(message string) bool {
		values := splitFields(message)
		n := len(before) + len(after)
		if len(values) < n || len(values) > n && !ellipsis {
			return false
		}
		return holdAll(before, values) && holdAll(after, values[len(values)-len(after):])
	}}, nil
}

func holdAll(fields []field, values []string) bool {
	for i, f := range fields {
		if f.holds != nil && !f.holds(values[i]) {
			return false
		}
	}
	return true
}

// field takes a name and, if there are any, the conditions on it.
func (s *scanner) field() (field, error) {
	s.space()
	if c := s.peek(); c == ',' || c == ']' { // one without a name
		return field{}, nil
	}
	start := s.at
	if name := s.while(isWord); name != "" {
		s.space()
		if c := s.peek(); c == ',' || c == ']' || s.done() {
			return field{}, nil
		}
	}
	s.at = start
	first := ""
	holds, err := compound(s, func() (condition[string], error) {
		s.space()
		start := s.at
		name := s.while(isWord)
		switch {
		case name == "":
			return nil, s.fail("a field's name is missing")
		case first == "":
			first = name
		case first != name:
			s.at = start
			return nil, s.fail("the field %s has a condition on %s", first, name)
		}
		c, err := s.comparison()
		if err != nil {
			return nil, err
		}
		return func(value string) bool {
			if n, err := strconv.ParseFloat(value, 64); err == nil {
				return c.holds(value, &n)
			}
			return c.holds(value, nil)
		}, nil
	})
	return field{holds}, err
}

// splitFields cuts an event at its spaces; what stands in brackets or in double quotes is one
// field.
func splitFields(message string) []string {
	var all []string
	rest := strings.TrimSpace(message)
	for rest != "" {
		end, skip := strings.IndexByte(rest, ' '), 0
		switch rest[0] {
		case '[':
			if i := strings.IndexByte(rest, ']'); i > 0 {
				end, skip = i, 1
			}
		case '"':
			if i := strings.IndexByte(rest[1:], '"'); i >= 0 {
				end, skip = i+1, 1
			}
		}
		if end < 0 {
			return append(all, rest)
		}
		all = append(all, rest[skip:end])
		rest = strings.TrimLeft(rest[end+skip:], " ")
	}
	return all
}
