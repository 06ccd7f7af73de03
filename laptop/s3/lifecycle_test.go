package s3

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// TestExpire: an object goes at the midnight after its days, what a newer version has replaced at that after its own,
// and what a rule is not about stays.
func TestExpire(t *testing.T) {
	t.Parallel()
	for _, versioning := range []string{"", "Enabled"} {
		t.Run("versioning "+versioning, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // it is midnight of 2000-01-01, by UTC
				s := openService(t, t.TempDir())
				in := BucketInput{BucketName: "backups", VersioningConfiguration: versioning, Lifecycle: []Expiration{
					{Prefix: "part/", Days: 3, NoncurrentDays: 2}, {Prefix: "off/", Days: 1, Disabled: true}}}
				if err := s.CreateBucket(in); err != nil {
					t.Fatal(err)
				}
				put := func(key string) {
					t.Helper()
					if _, err := s.PutObject(t.Context(), PutInput{Bucket: "backups", Key: key, Body: strings.NewReader(key), Size: int64(len(key))}); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(6 * time.Hour)
				put("part/a")
				put("off/a")
				put("whole/a")
				// day is what there is, by key: its versions, and ! for a delete marker on top.
				day := func(after time.Duration, want map[string]string) {
					t.Helper()
					time.Sleep(after)
					if _, err := s.Expire(time.Now()); err != nil {
						t.Fatal(err)
					}
					got := map[string]string{}
					b, err := s.bucket("backups")
					if err != nil {
						t.Fatal(err)
					}
					for key, h := range b.keys {
						for _, v := range h.Versions {
							if v.DeleteMarker {
								got[key] += "!"
							} else {
								got[key] += "v"
							}
						}
					}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("%s (-want +got):\n%s", time.Now().UTC(), diff)
					}
				}
				all := map[string]string{"part/a": "v", "off/a": "v", "whole/a": "v"}
				day(0, all)
				day(3*24*time.Hour, all)           // on the 4th at 6: the midnight is not there yet
				day(18*time.Hour-time.Second, all) // and now it comes
				rest := map[string]string{"off/a": "v", "whole/a": "v"}
				if versioning == "" {
					day(time.Second, rest)
					day(30*24*time.Hour, rest)
					return
				}
				hidden := map[string]string{"part/a": "v!", "off/a": "v", "whole/a": "v"}
				day(time.Second, hidden)
				if _, err := s.HeadObject("backups", "part/a", ""); err == nil || awsproto.From(err).Code != "NoSuchKey" {
					t.Errorf("what has expired is there: %v", err)
				}
				day(47*time.Hour, hidden)
				day(time.Hour, map[string]string{"part/a": "!", "off/a": "v", "whole/a": "v"})
				day(24*time.Hour, rest) // the marker, which is three days old
				day(30*24*time.Hour, rest)
			})
		})
	}
}

// TestExpireTakesMarkers that are alone, and after a restart.
func TestExpireTakesMarkers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openService(t, dir)
	in := BucketInput{BucketName: "backups", VersioningConfiguration: "Enabled", Lifecycle: []Expiration{{Markers: true}}}
	if err := s.CreateBucket(in); err != nil {
		t.Fatal(err)
	}
	if _, err := s.DeleteObject("backups", "a", ""); err != nil {
		t.Fatal(err)
	}
	s = openService(t, dir)
	if gone, err := s.Expire(time.Now()); gone != 1 || err != nil {
		t.Errorf("%d went: %v", gone, err)
	}
	if err := s.DeleteBucket("backups"); err != nil {
		t.Error(err)
	}
}

func TestLifecycleRefuses(t *testing.T) {
	t.Parallel()
	s := openService(t, t.TempDir())
	for want, r := range map[string]Expiration{
		"InvalidArgument": {Days: -1},
		"MalformedXML":    {Days: 1, Markers: true},
		"InvalidRequest":  {ID: "nothing"},
	} {
		err := s.CreateBucket(BucketInput{BucketName: "b-1", Lifecycle: []Expiration{r}})
		if err == nil || awsproto.From(err).Code != want {
			t.Errorf("%+v: %v, want %s", r, err, want)
		}
	}
}
