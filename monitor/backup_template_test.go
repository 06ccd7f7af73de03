package monitor

import (
	"encoding/json"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/cfn/parse"
)

// TestBackupsAreNobodysButTheHosts: private, encrypted, versioned, and by TLS alone.
func TestBackupsAreNobodysButTheHosts(t *testing.T) {
	t.Parallel()
	resources, _ := plain(t)
	bucket := properties(resources[BackupBucket])
	for name, want := range map[string]any{
		"BucketEncryption": map[string]any{"ServerSideEncryptionConfiguration": []any{map[string]any{
			"ServerSideEncryptionByDefault": map[string]any{"SSEAlgorithm": "AES256"}}}},
		"PublicAccessBlockConfiguration": map[string]any{"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true},
		"VersioningConfiguration":        map[string]any{"Status": "Enabled"},
	} {
		if diff := cmp.Diff(want, bucket[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if bucket["BucketName"] != nil || bucket["AccessControl"] != nil {
		t.Errorf("the bucket's name is %v, its ACL %v: a name could be taken, and an ACL opens it", bucket["BucketName"], bucket["AccessControl"])
	}
	want := map[string]any{"Bucket": map[string]any{"Ref": BackupBucket}, "PolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
		"Sid": "OnlyTLS", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
		"Resource":  []any{map[string]any{"Fn::GetAtt": []any{BackupBucket, "Arn"}}, map[string]any{"Fn::Sub": "${BackupBucket.Arn}/*"}},
		"Condition": map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}}}}}}
	if diff := cmp.Diff(want, properties(resources["BackupBucketPolicy"])); diff != "" {
		t.Errorf("the policy (-want +got):\n%s", diff)
	}
}

// TestBackupsStayAndExpire: with the stack go neither they nor what guards them, and old ones go by themselves, unless none are
// made any more.
func TestBackupsStayAndExpire(t *testing.T) {
	t.Parallel()
	resources, _ := plain(t)
	for _, id := range []string{BackupBucket, "BackupBucketPolicy"} {
		if r := resources[id]; r["DeletionPolicy"] != "RetainExceptOnCreate" || r["UpdateReplacePolicy"] != "Retain" {
			t.Errorf("%s goes with the stack or its replacement: %v, %v", id, r["DeletionPolicy"], r["UpdateReplacePolicy"])
		}
	}
	template, err := parse.Parse(text(t))
	if err != nil {
		t.Fatal(err)
	}
	s := scopeOf(template, fixed{}, "1.13.1-1")
	on, err := s.Properties(BackupBucket)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"Rules": []any{map[string]any{"Id": "expire", "Status": "Enabled", "ExpirationInDays": "7",
		"NoncurrentVersionExpiration": map[string]any{"NoncurrentDays": json.Number("3")}}}}
	if diff := cmp.Diff(want, on["LifecycleConfiguration"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	s.Conditions[backupOn] = false
	if off, err := s.Properties(BackupBucket); err != nil || off["LifecycleConfiguration"] != nil {
		t.Errorf("without backups the old ones expire: %v, %v", off["LifecycleConfiguration"], err)
	}
}

func TestBackupParameters(t *testing.T) {
	t.Parallel()
	for name, cases := range map[string]map[string]bool{
		ParamBackupDays:  {"0": true, "7": true, "365": true, "": false, "-1": false, "07": false, "a": false},
		paramRestoreFrom: {"": true, "hello-monitoring-backupbucket-1a2b3c": true, "a.b": false, "A-B": false, "x*": false, "ab/../c": false, "*": false},
	} {
		pattern := regexp.MustCompile(parameters()[name].AllowedPattern)
		for value, want := range cases {
			if pattern.MatchString(value) != want {
				t.Errorf("%s=%q: allowed is %v, want %v", name, value, !want, want)
			}
		}
	}
	// Whoever has the right to the one has none to a bucket by wildcard.
	if p := parameters()[paramRestoreFrom]; p.Default != "" {
		t.Errorf("restored is from %v unasked", p.Default)
	}
}
