package logs

import (
	"strings"
	"unicode/utf8"
)

// Pattern is a filter pattern. The zero value matches everything. It is safe for concurrent use.
//
// The syntax is https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
type Pattern struct{ match func(string) bool }

// Match reports whether an event has what the pattern asks for.
func (p Pattern) Match(message string) bool { return p.match == nil || p.match(message) }

// maxPattern is how many characters a pattern may have.
const maxPattern = 1024

// ParsePattern reads a filter pattern:
//
//	ERROR timeout                             both terms, anywhere in the event
//	"Task timed out" -retry                   a phrase, and a term that must not be there
//	?ERROR ?WARN                              any of them
//	%4[0-9]{2}%                               a regular expression
//	{ $.level = "ERROR" && $.latency > 500 }  properties of an event that is JSON
//	[ip, user, status = 4*, bytes > 1000]     fields of an event that is delimited by spaces
//
// Everything is case-sensitive. Its error is InvalidParameterException and names the place.
func ParsePattern(text string) (Pattern, error) {
	if n := utf8.RuneCountInString(text); n > maxPattern {
		return Pattern{}, invalid("Invalid filter pattern: it has %d characters; at most %d", n, maxPattern)
	}
	if !utf8.ValidString(text) {
		return Pattern{}, invalid("Invalid filter pattern: it is not UTF-8")
	}
	s := &scanner{text: text}
	s.space()
	switch {
	case s.done():
		return Pattern{}, nil
	case s.peek() == '{':
		return parseJSONPattern(s)
	case s.peek() == '[':
		return parseFieldsPattern(s)
	}
	return parseTerms(s)
}

// scanner goes through a pattern.
type scanner struct {
	text    string
	at      int
	regexes int
}

func (s *scanner) done() bool { return s.at >= len(s.text) }

// peek is the next byte, 0 at the end.
func (s *scanner) peek() byte {
	if s.done() {
		return 0
	}
	return s.text[s.at]
}

func (s *scanner) space() {
	for !s.done() && strings.IndexByte(" \t\r\n", s.text[s.at]) >= 0 {
		s.at++
	}
}

// take passes over word after spaces, if it is there.
func (s *scanner) take(word string) bool {
	s.space()
	if strings.HasPrefix(s.text[s.at:], word) {
		s.at += len(word)
		return true
	}
	return false
}

// keyword is take for a word of letters, which may be in lower case too and must end there.
func (s *scanner) keyword(word string) bool {
	s.space()
	end := s.at + len(word)
	if end > len(s.text) || !strings.EqualFold(s.text[s.at:end], word) || end < len(s.text) && isWord(s.text[end]) {
		return false
	}
	s.at = end
	return true
}

// while takes what consists of bytes that are ok.
func (s *scanner) while(ok func(byte) bool) string {
	start := s.at
	for !s.done() && ok(s.text[s.at]) {
		s.at++
	}
	return s.text[start:s.at]
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// fail is an error at the place where s is.
func (s *scanner) fail(format string, args ...any) error {
	return invalid("Invalid filter pattern: "+format+", at character %d", append(args, utf8.RuneCountInString(s.text[:s.at])+1)...)
}

// quoted takes a string in double quotes, in which \" and \\ stand for themselves.
func (s *scanner) quoted() (string, error) {
	start := s.at
	var b strings.Builder
	for s.at++; !s.done(); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return b.String(), nil
		case c == '\\' && s.at+1 < len(s.text) && (s.text[s.at+1] == '"' || s.text[s.at+1] == '\\'):
			s.at++
			b.WriteByte(s.text[s.at])
		default:
			b.WriteByte(c)
		}
	}
	s.at = start
	return "", s.fail("a quote is opened and not closed")
}
