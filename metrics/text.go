package metrics

import (
	"fmt"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxText is the length of an error's text in bytes, in a point as in the log.
const maxText = 256

// oneLine makes of any text one that a field takes: one line of UTF-8, cut to length.
func oneLine(s string) string {
	// Four times is room for what is taken out again, and a bound on the work.
	s = strings.ToValidUTF8(s[:min(len(s), 4*maxText)], "")
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	s = strings.TrimSpace(s)
	if len(s) <= maxText {
		return s
	}
	end := maxText - len("…")
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

// errorText is the field error of a failed invocation: the error's message or, where there is
// none, its type.
func errorText(err error) string {
	if s := oneLine(err.Error()); s != "" {
		return s
	}
	return reflect.TypeOf(err).String()
}

func panicText(v any) string { return oneLine(fmt.Sprintf("panic: %v", v)) }
