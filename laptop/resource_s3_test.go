package laptop

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/laptop/cloudformation"
	"github.com/ephor-io/ephor/laptop/s3"
)

// TestBucketHasTheLifecycleOfItsTemplate, and one that would do otherwise than it says is refused by name.
func TestBucketHasTheLifecycleOfItsTemplate(t *testing.T) {
	t.Parallel()
	service, err := s3.Open(s3.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	bucket := func(name, rule string) error {
		_, err := buckets(service, "us-east-1").Create(t.Context(), cloudformation.Request{StackName: "s", LogicalID: "It", Type: "AWS::S3::Bucket", Token: "token-" + name,
			Properties: properties(t, `{"BucketName": "`+name+`", "LifecycleConfiguration": {"Rules": [`+rule+`]}}`)})
		return err
	}
	if err := bucket("good", `{"Id": "a", "Status": "Enabled", "Prefix": "x/", "ExpirationInDays": "7", "NoncurrentVersionExpiration": {"NoncurrentDays": 3}},
		{"Status": "Disabled", "ExpiredObjectDeleteMarker": "true"}`); err != nil {
		t.Fatal(err)
	}
	got, err := service.GetBucket("good")
	if err != nil {
		t.Fatal(err)
	}
	want := []s3.Expiration{{ID: "a", Prefix: "x/", Days: 7, NoncurrentDays: 3}, {Disabled: true, Markers: true}}
	if diff := cmp.Diff(want, got.Lifecycle); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for rule, want := range map[string]string{
		`{"Status": "Enabled", "Transitions": [{"StorageClass": "GLACIER", "TransitionInDays": 1}]}`: "key [Transitions] is not supported on this machine",
		`{"Status": "Enabled", "ExpirationInDays": 1, "TagFilters": [{"Key": "k", "Value": "v"}]}`:   "key [TagFilters] is not supported on this machine",
		`{"Status": "Enabled", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}}`:        "key [AbortIncompleteMultipartUpload] is not supported on this machine",
		`{"Status": "On", "ExpirationInDays": 1}`:                                                    `Status is "On"; it may be Enabled or Disabled`,
	} {
		if err := bucket("bad", rule); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", rule, err, want)
		}
	}
}
