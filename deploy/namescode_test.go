package deploy

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/cfn"
)

// TestWhatNamesTheCodeIsNoMoreThanCode: a resource that says which code is deployed may be another with other code, but in
// nothing else; and without the mark in its metadata it may not.
func TestWhatNamesTheCodeIsNoMoreThanCode(t *testing.T) {
	t.Parallel()
	parts := func(key, name, value string, names bool) map[string]any {
		t.Helper()
		text := fmt.Sprintf(`{"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"S3Key": %q}}},
			"Mark": {"Type": "AWS::SSM::Parameter", "Metadata": {%q: %t}, "Properties": {"Name": %q, "Value": %q}}}}`, key, cfn.NamesCode, names, name, value)
		v, err := withoutCode([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	f := func(names bool, want []string, name, value string) {
		t.Helper()
		got := differing(parts("1.zip", "/a", "code 1.zip", names), parts("2.zip", name, value, names))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	f(true, nil, "/a", "code 2.zip")
	f(true, []string{"Resources.Mark"}, "/b", "code 2.zip")
	f(false, []string{"Resources.Mark"}, "/a", "code 2.zip")
}
