package line

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// What a backslash stands before, by place. An equals sign needs none in a measurement.
const (
	inMeasurement = ", "
	inTag         = ",= "
)

// plain reports whether s is of letters, digits, underscores, dots and hyphens only, as nearly all
// names are, and so has nothing to escape or to refuse but its beginning.
func plain(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '_' && c != '.' && c != '-' {
			return false
		}
	}
	return s != ""
}

func appendEscaped(dst []byte, s, special string) []byte {
	if plain(s) {
		return append(dst, s...)
	}
	for i := range len(s) {
		if strings.IndexByte(special, s[i]) >= 0 {
			dst = append(dst, '\\')
		}
		dst = append(dst, s[i])
	}
	return dst
}

func checkMeasurement(name string) error {
	if err := checkName(name); err != nil {
		return fmt.Errorf("its name %w", err)
	}
	if name[0] == '#' {
		return errors.New("its name begins with #, as a comment does")
	}
	return nil
}

// checkKey checks the name of a tag or a field, whichever what says.
func checkKey(what, key string) error {
	if err := checkName(key); err != nil {
		return fmt.Errorf("%s %q: its name %w", what, key, err)
	}
	if key == "time" {
		return fmt.Errorf("%s %q: the name is the timestamp's", what, key)
	}
	return nil
}

func checkName(s string) error {
	if err := checkText(s); err != nil {
		return err
	}
	if s[0] == '_' {
		return errors.New("begins with an underscore, which stores keep for themselves")
	}
	return nil
}

// checkText holds for whatever stands unquoted: names and the values of tags. Stores differ in
// what a backslash does there unless a harmless character follows it.
func checkText(s string) error {
	if plain(s) {
		return nil
	}
	if s == "" {
		return errors.New("is empty")
	}
	ascii := true
	for i := range len(s) {
		switch c := s[i]; {
		case c < 0x20 || c == 0x7f:
			return errors.New("has a line break or another control character")
		case c == '\\' && (i+1 == len(s) || strings.IndexByte(`,= \"`, s[i+1]) >= 0):
			return errors.New(`has a backslash at its end or before one of , = \ " and space`)
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	if !ascii && !utf8.ValidString(s) {
		return errors.New("is not UTF-8")
	}
	return nil
}
