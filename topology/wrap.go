package topology

import (
	"strings"
	"unicode"
)

// wrap breaks a name into lines of so many characters at most: behind a space or a sign, or before a capital, or
// where nothing better is. What is left after the last line is an ellipsis.
func wrap(text string, width, lines int) []string {
	var out []string
	rest := []rune(text)
	for len(rest) > width && len(out) < lines-1 {
		at := width
		for i := width; i > width/3; i-- {
			if strings.ContainsRune(" -_/.:,)", rest[i-1]) && !strings.ContainsRune(":,)", rest[i]) || unicode.IsLower(rest[i-1]) && unicode.IsUpper(rest[i]) {
				at = i
				break
			}
		}
		out = append(out, strings.TrimRight(string(rest[:at]), " "))
		rest = []rune(strings.TrimLeft(string(rest[at:]), " "))
	}
	if len(rest) > width {
		rest = append(rest[:width-1:width-1], '…')
	}
	return append(out, string(rest))
}
