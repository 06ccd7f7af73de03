package awsproto

import "testing"

func TestLike(t *testing.T) {
	t.Parallel()
	f := func(pattern, s string, want bool) {
		t.Helper()
		if got := Like(pattern, s); got != want {
			t.Errorf("%q like %q: %v", s, pattern, got)
		}
	}
	f("", "", true)
	f("", "a", false)
	f("*", "", true)
	f("a*c", "abbbc", true)
	f("a*c", "abbb", false)
	f("a?c", "abc", true)
	f("a?c", "ac", false)
	f("*/*/GET/*", "abc/prod/GET/x/y", true)
	f("a*b*c", "axbxbxc", true)
	f("a**", "a", true)
	f("a", "ab", false)
}

// FuzzLike checks against the same question asked the slow way.
func FuzzLike(f *testing.F) {
	f.Add("a*b?c", "aXXbYc")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if len(pattern) > 12 || len(s) > 12 {
			return
		}
		if got, want := Like(pattern, s), likeSlowly(pattern, s); got != want {
			t.Errorf("%q like %q: %v", s, pattern, got)
		}
	})
}

func likeSlowly(pattern, s string) bool {
	switch {
	case pattern == "":
		return s == ""
	case pattern[0] == '*':
		return likeSlowly(pattern[1:], s) || s != "" && likeSlowly(pattern, s[1:])
	default:
		return s != "" && (pattern[0] == '?' || pattern[0] == s[0]) && likeSlowly(pattern[1:], s[1:])
	}
}
