package s3

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestListing(t *testing.T) {
	t.Parallel()
	s := openService(t, t.TempDir())
	newBucketNamed(t, s, "bkt")
	for _, key := range []string{"a", "b/1", "b/2", "b/c/3", "b0", "c/", "c/d", "e"} {
		store(t, s, "bkt", key, "")
	}
	f := func(in ListInput, want ...string) {
		t.Helper()
		in.Bucket = "bkt"
		var got []string
		for {
			page, err := s.ListObjects(in)
			must(t, err)
			if in.MaxKeys > 0 && len(page.Objects)+len(page.CommonPrefixes) > in.MaxKeys {
				t.Errorf("a page of %d has more", in.MaxKeys)
			}
			for _, o := range page.Objects {
				got = append(got, o.Key)
			}
			for _, p := range page.CommonPrefixes {
				got = append(got, p+"*")
			}
			if page.Next == "" {
				break
			}
			in.After = page.Next
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%+v:\n%s", in, diff)
		}
	}
	for _, most := range []int{0, 1, 2, 3} {
		f(ListInput{MaxKeys: most}, "a", "b/1", "b/2", "b/c/3", "b0", "c/", "c/d", "e")
		f(ListInput{MaxKeys: most, Prefix: "b/"}, "b/1", "b/2", "b/c/3")
		f(ListInput{MaxKeys: most, Prefix: "b/", Delimiter: "/"}, "b/1", "b/2", "b/c/*")
		f(ListInput{MaxKeys: most, Prefix: "c/", Delimiter: "/"}, "c/", "c/d")
		f(ListInput{MaxKeys: most, Prefix: "nope"})
		f(ListInput{MaxKeys: most, After: "b/2"}, "b/c/3", "b0", "c/", "c/d", "e")
	}
	f(ListInput{MaxKeys: 1, Delimiter: "/"}, "a", "b/*", "b0", "c/*", "e")
	f(ListInput{Delimiter: "/"}, "a", "b0", "e", "b/*", "c/*")
}
