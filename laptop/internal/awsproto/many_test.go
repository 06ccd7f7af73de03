package awsproto

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOneOrMany(t *testing.T) {
	t.Parallel()
	f := func(text string, want ...string) {
		t.Helper()
		var got OneOrMany[string]
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Errorf("%s: %v", text, err)
		} else if diff := cmp.Diff(want, []string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	f(`"a"`, "a")
	f(`["a"]`, "a")
	f(` [ "a", "b" ]`, "a", "b")
	f(`["[a]"]`, "[a]")
	f(`"[a]"`, "[a]")
	for _, text := range []string{`1`, `["a", 1]`, `{"a": "b"}`} {
		var got OneOrMany[string]
		if err := json.Unmarshal([]byte(text), &got); err == nil {
			t.Errorf("%s is taken as %q", text, got)
		}
	}
}
