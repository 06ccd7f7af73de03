package logs

import (
	"regexp"
	"strings"
)

// terms is a pattern for events of any form.
type terms struct {
	all, any, none []func(string) bool
}

func parseTerms(s *scanner) (Pattern, error) {
	var t terms
	for s.space(); !s.done(); s.space() {
		list := &t.all
		switch s.peek() {
		case '?':
			list = &t.any
			s.at++
		case '-':
			list = &t.none
			s.at++
		}
		matches, err := s.term()
		if err != nil {
			return Pattern{}, err
		}
		*list = append(*list, matches)
	}
	return Pattern{t.match}, nil
}

// match wants every term without a mark, and none of those with a minus. Optional terms count only
// where no term is required: one of them must be there then.
func (t terms) match(message string) bool {
	for _, matches := range t.none {
		if matches(message) {
			return false
		}
	}
	for _, matches := range t.all {
		if !matches(message) {
			return false
		}
	}
	if len(t.all) > 0 || len(t.any) == 0 {
		return true
	}
	for _, matches := range t.any {
		if matches(message) {
			return true
		}
	}
	return false
}

// term takes one word, phrase or regular expression.
func (s *scanner) term() (func(string) bool, error) {
	switch s.peek() {
	case '"':
		phrase, err := s.quoted()
		if err != nil {
			return nil, err
		}
		if phrase == "" {
			return nil, s.fail("a phrase is empty")
		}
		return func(m string) bool { return strings.Contains(m, phrase) }, nil
	case '%':
		r, err := s.regex()
		if err != nil {
			return nil, err
		}
		return r.MatchString, nil
	}
	word := s.while(func(c byte) bool { return strings.IndexByte(" \t\r\n", c) < 0 })
	for i := range len(word) {
		if !isWord(word[i]) {
			return nil, invalid("Invalid character(s) in term '%s': what is not a letter, a digit or _ must stand in double quotes", word)
		}
	}
	if word == "" {
		return nil, s.fail("a term is missing after its mark")
	}
	return func(m string) bool { return strings.Contains(m, word) }, nil
}

// maxRegexes is how many regular expressions one pattern may have.
const maxRegexes = 2

// regexAlphabet is what a regular expression may consist of, beside letters and digits.
const regexAlphabet = "_:#=@/;,-^$?[]{}|\\*+."

// regex takes a regular expression between percent signs. It has no parentheses.
func (s *scanner) regex() (*regexp.Regexp, error) {
	start := s.at
	s.at++
	end := strings.IndexByte(s.text[s.at:], '%')
	if end < 0 {
		s.at = start
		return nil, s.fail("a regular expression is opened with %% and not closed")
	}
	text := s.text[s.at : s.at+end]
	for i := range len(text) {
		if !isWord(text[i]) && strings.IndexByte(regexAlphabet, text[i]) < 0 {
			s.at += i
			return nil, s.fail("a regular expression may not have %q", text[i:i+1])
		}
	}
	r, err := regexp.Compile(text)
	if err != nil || text == "" {
		s.at = start
		return nil, s.fail("%%%s%% is not a regular expression", text)
	}
	if s.regexes++; s.regexes > maxRegexes {
		s.at = start
		return nil, s.fail("there are more than %d regular expressions", maxRegexes)
	}
	s.at += end + 1
	return r, nil
}
