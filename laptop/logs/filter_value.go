package logs

import (
	"regexp"
	"strconv"
	"strings"
)

// comparison is an operator and the value at its right.
type comparison struct {
	op     string // = != < > <= >=
	text   string
	number *float64 // the value, if it is a bare number
	regex  *regexp.Regexp
}

// comparison takes an operator and a value.
func (s *scanner) comparison() (c comparison, err error) {
	for _, op := range []string{"<=", ">=", "!=", "=", "<", ">"} {
		if s.take(op) {
			c.op = op
			break
		}
	}
	if c.op == "" {
		return c, s.fail("one of = != < > <= >= is missing")
	}
	s.space()
	start := s.at
	ordered := c.op[0] == '<' || c.op[0] == '>'
	switch s.peek() {
	case '"':
		c.text, err = s.quoted()
	case '%':
		c.regex, err = s.regex()
	default:
		c.text = s.while(func(b byte) bool { return isWord(b) || strings.IndexByte(".*+-:/", b) >= 0 })
		if c.text == "" {
			return c, s.fail("a value is missing; what is not a letter or a digit must stand in double quotes")
		}
		if n, perr := strconv.ParseFloat(c.text, 64); perr == nil && strings.IndexByte("+-.0123456789", c.text[0]) >= 0 {
			c.number = &n
		}
	}
	if err != nil {
		return c, err
	}
	if ordered && c.number == nil {
		s.at = start
		return c, s.fail("%s compares with a number", c.op)
	}
	return c, nil
}

// holds compares with a value: its text, and if it is a number that too.
func (c comparison) holds(text string, number *float64) bool {
	switch {
	case c.op[0] == '<' || c.op[0] == '>':
		return number != nil && c.ordered(*number)
	case c.regex != nil:
		return c.regex.MatchString(text) == (c.op == "=")
	case c.number != nil && number != nil:
		return (*number == *c.number) == (c.op == "=")
	}
	return wildcard(c.text, text) == (c.op == "=")
}

func (c comparison) ordered(n float64) bool {
	switch c.op {
	case "<":
		return n < *c.number
	case ">":
		return n > *c.number
	case "<=":
		return n <= *c.number
	}
	return n >= *c.number
}

// wildcard compares with a pattern in which an asterisk at the beginning or the end stands for
// anything; elsewhere it is an asterisk.
func wildcard(pattern, text string) bool {
	rest, open := strings.CutPrefix(pattern, "*")
	if open && rest == "" {
		return true
	}
	middle, end := strings.CutSuffix(rest, "*")
	switch {
	case open && end:
		return strings.Contains(text, middle)
	case open:
		return strings.HasSuffix(text, rest)
	case end:
		return strings.HasPrefix(text, middle)
	}
	return text == pattern
}

// condition is a compound of comparisons over a value of type V.
type condition[V any] func(V) bool

// compound takes conditions that && and || and parentheses put together; && binds tighter.
func compound[V any](s *scanner, one func() (condition[V], error)) (condition[V], error) {
	return joined(s, "||", func() (condition[V], error) {
		return joined(s, "&&", func() (condition[V], error) { return operand(s, one) })
	})
}

// joined takes one or several conditions with the operator between them.
func joined[V any](s *scanner, operator string, next func() (condition[V], error)) (condition[V], error) {
	var all []condition[V]
	for {
		c, err := next()
		if err != nil {
			return nil, err
		}
		if all = append(all, c); !s.take(operator) {
			break
		}
	}
	decides := operator == "||" // the value of one that settles it for all
	return func(v V) bool {
		for _, c := range all {
			if c(v) == decides {
				return decides
			}
		}
		return !decides
	}, nil
}

func operand[V any](s *scanner, one func() (condition[V], error)) (condition[V], error) {
	if !s.take("(") {
		return one()
	}
	inner, err := compound(s, one)
	if err != nil {
		return nil, err
	}
	if !s.take(")") {
		return nil, s.fail("a parenthesis is opened and not closed")
	}
	return inner, nil
}
