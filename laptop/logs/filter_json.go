package logs

import (
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
)

// parseJSONPattern reads { CONDITION }. An event that is not a JSON object matches none.
func parseJSONPattern(s *scanner) (Pattern, error) {
	s.at++
	holds, err := compound(s, func() (condition[any], error) { return jsonCondition(s) })
	if err != nil {
		return Pattern{}, err
	}
	if !s.take("}") {
		return Pattern{}, s.fail("&&, || or the closing } is missing")
	}
	if s.space(); !s.done() {
		return Pattern{}, s.fail("something follows the closing }")
	}
	return Pattern{func(message string) bool {
		if !strings.HasPrefix(strings.TrimLeft(message, " \t\r\n"), "{") {
			return false
		}
		d := json.NewDecoder(strings.NewReader(message))
		d.UseNumber()
		var event any
		if d.Decode(&event) != nil {
			return false
		}
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			return false
		}
		return holds(event)
	}}, nil
}

// jsonCondition takes SELECTOR OPERATOR VALUE, SELECTOR IS NULL, TRUE or FALSE, or SELECTOR NOT
// EXISTS.
func jsonCondition(s *scanner) (condition[any], error) {
	select_, err := s.selector()
	if err != nil {
		return nil, err
	}
	switch {
	case s.keyword("IS"):
		var want any
		switch {
		case s.keyword("NULL"):
		case s.keyword("TRUE"):
			want = true
		case s.keyword("FALSE"):
			want = false
		default:
			return nil, s.fail("IS is followed by NULL, TRUE or FALSE")
		}
		return func(event any) bool {
			for _, v := range select_(event) {
				switch v.(type) {
				case nil, bool:
					if v == want {
						return true
					}
				}
			}
			return false
		}, nil
	case s.keyword("NOT"):
		if !s.keyword("EXISTS") {
			return nil, s.fail("NOT is followed by EXISTS")
		}
		return func(event any) bool { return len(select_(event)) == 0 }, nil
	}
	c, err := s.comparison()
	if err != nil {
		return nil, err
	}
	return func(event any) bool {
		for _, v := range select_(event) {
			if c.holdsJSON(v) {
				return true
			}
		}
		return false
	}, nil
}

// holdsJSON compares with a value node. An array, an object or null is none, and fails also where
// it shall be unequal.
func (c comparison) holdsJSON(v any) bool {
	switch v := v.(type) {
	case string:
		return c.holds(v, nil)
	case json.Number:
		n, err := v.Float64()
		if err != nil { // too large
			return c.holds(v.String(), nil)
		}
		return c.holds(v.String(), &n)
	case bool:
		return c.holds(strconv.FormatBool(v), nil)
	}
	return false
}

// step goes from a node to those below it that are meant.
type step func(any) []any

// selector takes $.name[0].other, in which * stands for every element or property.
func (s *scanner) selector() (func(any) []any, error) {
	if !s.take("$") {
		return nil, s.fail("a property is missing; it begins with $")
	}
	var steps []step
	for {
		var next step
		var err error
		switch s.peek() {
		case '.':
			s.at++
			next, err = s.property()
		case '[':
			s.at++
			next, err = s.element()
		default:
			if len(steps) == 0 {
				return nil, s.fail("a property's name is missing after $")
			}
			return func(event any) []any {
				nodes := []any{event}
				for _, below := range steps {
					var found []any
					for _, n := range nodes {
						found = append(found, below(n)...)
					}
					nodes = found
				}
				return nodes
			}, nil
		}
		if err != nil {
			return nil, err
		}
		steps = append(steps, next)
	}
}

// property takes the name of a property, or * for all of them.
func (s *scanner) property() (step, error) {
	if s.peek() == '*' {
		s.at++
		return func(node any) (all []any) {
			object, _ := node.(map[string]any)
			for _, v := range object {
				all = append(all, v)
			}
			return all
		}, nil
	}
	name := s.while(func(c byte) bool { return isWord(c) || c == '-' })
	if name == "" {
		return nil, s.fail("a property's name is missing: letters, digits, _ and -; others as in $[\"a b\"]")
	}
	return named(name), nil
}

func named(name string) step {
	return func(node any) []any {
		object, _ := node.(map[string]any)
		if v, ok := object[name]; ok {
			return []any{v}
		}
		return nil
	}
}

// element takes what stands in brackets: a number, *, or a property's name in quotes.
func (s *scanner) element() (next step, err error) {
	switch c := s.peek(); {
	case c == '"':
		var name string
		if name, err = s.quoted(); err != nil {
			return nil, err
		}
		next = named(name)
	case c == '*':
		s.at++
		next = func(node any) []any {
			array, _ := node.([]any)
			return array
		}
	default:
		digits := s.while(func(c byte) bool { return c >= '0' && c <= '9' })
		i, perr := strconv.Atoi(digits)
		if perr != nil {
			return nil, s.fail("brackets hold a number, * or a name in double quotes")
		}
		next = func(node any) []any {
			array, _ := node.([]any)
			if i < len(array) {
				return array[i : i+1]
			}
			return nil
		}
	}
	if s.peek() != ']' {
		return nil, s.fail("a bracket is opened and not closed")
	}
	s.at++
	return next, nil
}
