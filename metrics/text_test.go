package metrics

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/ephor-io/ephor/line"
)

func TestOneLine(t *testing.T) {
	t.Parallel()
	f := func(s, want string) {
		t.Helper()
		if got := oneLine(s); got != want {
			t.Errorf("%.20q: %q, want %q", s, got, want)
		}
	}
	f("", "")
	f(" a\n\tb\x00 ", "a  b")
	f("a\xffb", "ab")
	f(strings.Repeat("a", 256), strings.Repeat("a", 256))
	f(strings.Repeat("a", 257), strings.Repeat("a", 253)+"…")
	f(strings.Repeat("ä", 200), strings.Repeat("ä", 126)+"…")
	if got := errorText(errors.New("")); got != "*errors.errorString" {
		t.Errorf("an error without a message is %q", got)
	}
}

// Whatever a handler or a store says fits into a field and into a line of the log.
func FuzzText(f *testing.F) {
	f.Add("partial write: … dropped=3")
	f.Add(`{"error":"partial write: dropped=99999999999999999999"}`)
	f.Add(`{"code":"invalid","message":"unable to parse"}`)
	f.Fuzz(func(t *testing.T, s string) {
		message, n := readError([]byte(s))
		for _, text := range []string{oneLine(s), message} {
			if len(text) > maxText || !utf8.ValidString(text) {
				t.Errorf("%q has become %q", s, text)
			}
			p := line.Point{Measurement: "m", Fields: []line.Field{line.String("error", text)}, Time: time.Unix(0, 1)}
			if _, err := p.Append(nil); err != nil {
				t.Errorf("%q: %v", s, err)
			}
		}
		if n < -1 || n == 0 {
			t.Errorf("%q: %d points are refused", s, n)
		}
	})
}
