package line

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Field is one value of a point, made by Int, Float, Bool or String. A field keeps the type of
// the first value that a store was given for it.
type Field struct {
	key  string
	kind kind
	num  uint64 // an int64, the bits of a float64, or 0 and 1
	text string
}

type kind uint8

const (
	unset kind = iota
	integer
	float
	boolean
	text
)

// Int is a field with an integer.
func Int(key string, v int64) Field { return Field{key: key, kind: integer, num: uint64(v)} }

// Float is a field with a number; NaN and infinities are refused by Append.
func Float(key string, v float64) Field {
	return Field{key: key, kind: float, num: math.Float64bits(v)}
}

// Bool is a field with true or false.
func Bool(key string, v bool) Field {
	f := Field{key: key, kind: boolean}
	if v {
		f.num = 1
	}
	return f
}

// String is a field with a text of one line; it may be empty.
func String(key, v string) Field { return Field{key: key, kind: text, text: v} }

// Key is the field's name.
func (f Field) Key() string { return f.key }

func (f *Field) appendValue(dst []byte) ([]byte, error) {
	switch f.kind {
	case integer:
		return append(strconv.AppendInt(dst, int64(f.num), 10), 'i'), nil
	case float:
		v := math.Float64frombits(f.num)
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return dst, errors.New("no store holds NaN or an infinity")
		}
		return strconv.AppendFloat(dst, v, 'g', -1, 64), nil
	case boolean:
		return strconv.AppendBool(dst, f.num == 1), nil
	case text:
		if err := checkString(f.text); err != nil {
			return dst, err
		}
		return appendQuoted(dst, f.text), nil
	}
	return dst, errors.New("it has no value")
}

func checkString(s string) error {
	switch {
	case len(s) > maxString:
		return errors.New("the string has more than 64 KiB")
	case strings.ContainsAny(s, "\n\r"):
		return errors.New("the string has a line break")
	case !utf8.ValidString(s):
		return errors.New("the string is not UTF-8")
	}
	return nil
}

func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, s[i])
	}
	return append(dst, '"')
}
