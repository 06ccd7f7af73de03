package monitor

import "github.com/ephor-io/ephor/cfn"

// BackupBucket is the logical ID of the bucket that the store's backups are in, and the output with its name.
const BackupBucket = "BackupBucket"

// WholeBackups is what the keys of those objects in it begin with of which each says that a backup is whole. The rest of a
// key is its time, by UTC, in the form BackupTime.
const (
	WholeBackups = "whole/"
	BackupTime   = "20060102T150405Z"
)

// backupOn is the condition that backups are made, restoreGiven that another stack's may be restored.
const (
	backupOn     = "BackupOn"
	restoreGiven = "RestoreGiven"
)

// noncurrentDays is for how long what has expired, or was overwritten, can be brought back by hand.
const noncurrentDays = 3

// backups are where the host puts its store's, see host/10-backup.sh. The bucket stays when the stack goes, and has to be deleted by
// hand then, as the volume.
//
// Who is not let in by anything needs no denial, but that nobody is who does not come by TLS:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html#transit
//
// With versioning an object that expires becomes a version behind a delete marker, which the same number of days removes:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-expire-general-considerations.html
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
func backups() map[string]cfn.Resource {
	return map[string]cfn.Resource{
		BackupBucket: {
			Type:                "AWS::S3::Bucket",
			DeletionPolicy:      "RetainExceptOnCreate",
			UpdateReplacePolicy: "Retain",
			Properties: map[string]any{
				"BucketEncryption": map[string]any{"ServerSideEncryptionConfiguration": []any{map[string]any{
					"ServerSideEncryptionByDefault": map[string]any{"SSEAlgorithm": "AES256"}}}},
				"PublicAccessBlockConfiguration": map[string]any{
					"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true},
				"VersioningConfiguration": map[string]any{"Status": "Enabled"},
				"LifecycleConfiguration": map[string]any{"Fn::If": []any{backupOn, map[string]any{"Rules": []any{map[string]any{
					"Id":                          "expire",
					"Status":                      "Enabled",
					"ExpirationInDays":            cfn.Ref(ParamBackupDays),
					"NoncurrentVersionExpiration": map[string]any{"NoncurrentDays": noncurrentDays},
				}}}, cfn.Ref("AWS::NoValue")}},
			},
		},
		"BackupBucketPolicy": {
			Type:                "AWS::S3::BucketPolicy",
			DeletionPolicy:      "RetainExceptOnCreate",
			UpdateReplacePolicy: "Retain",
			Properties: map[string]any{
				"Bucket": cfn.Ref(BackupBucket),
				"PolicyDocument": map[string]any{
					"Version": "2012-10-17",
					"Statement": []any{map[string]any{
						"Sid":       "OnlyTLS",
						"Effect":    "Deny",
						"Principal": "*",
						"Action":    "s3:*",
						"Resource":  []any{cfn.GetAtt(BackupBucket, "Arn"), cfn.Sub("${" + BackupBucket + ".Arn}/*")},
						"Condition": map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}},
					}},
				},
			},
		},
	}
}
