package command

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ephor-io/ephor/dashboard"
	"github.com/ephor-io/ephor/deploy"
	"github.com/ephor-io/ephor/monitor"
)

// askBackups looks in S3 for the last whole backup of the host's store. A stack from before there were any has
// nothing to tell, and nil is the answer.
func askBackups(ctx context.Context, config aws.Config, monitoring deploy.State, now time.Time) *entrance {
	bucket := monitoring.Outputs[monitor.BackupBucket]
	if bucket == "" {
		return nil
	}
	d := &entrance{URL: "s3://" + bucket, Verdict: healthy}
	if monitoring.Parameters[monitor.ParamBackupDays] == "0" {
		d.Says = "none is made: " + monitor.ParamBackupDays + "=0"
		return d
	}
	last, err := lastBackup(ctx, config, bucket)
	switch age := now.Sub(last).Round(time.Minute); {
	case err != nil:
		d.Verdict, d.Says = unknown, "is not known: "+inService(err)
	case last.IsZero() && overdue(monitoring, now):
		d.Verdict, d.Says = unhealthy, fmt.Sprintf("is not there, of a stack that is %s old, and one should be made every %s", now.Sub(monitoring.Created).Round(time.Minute), dashboard.BackupEvery)
	case last.IsZero():
		d.Verdict, d.Says = unknown, "is not there yet: the first is made some minutes after a boot"
	case age > dashboard.DefaultBackupAge:
		d.Verdict, d.Says = unhealthy, fmt.Sprintf("is %s old, and one should be made every %s", age, dashboard.BackupEvery)
	default:
		d.Says = fmt.Sprintf("is %s old", age)
	}
	return d
}

// overdue says that a stack without a backup should have one: none was ever made, or all have expired. After an update, which
// may have turned backups on, there is an hour's time.
func overdue(s deploy.State, now time.Time) bool {
	return !s.Created.IsZero() && now.Sub(s.Created) > dashboard.DefaultBackupAge && now.Sub(s.Updated) > time.Hour
}

// lastBackup is zero where there is none. S3 lists keys in the order of their bytes, which is that of the times.
//
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
func lastBackup(ctx context.Context, config aws.Config, bucket string) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	client := s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = o.BaseEndpoint != nil })
	prefix, last := monitor.WholeBackups, ""
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return time.Time{}, fmt.Errorf("looking for backups in %s: %w", bucket, err)
		}
		if n := len(page.Contents); n > 0 {
			last = aws.ToString(page.Contents[n-1].Key)
		}
	}
	if last == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(monitor.BackupTime, strings.TrimPrefix(last, prefix))
	if err != nil {
		return time.Time{}, fmt.Errorf("the backup %s in %s: %w", last, bucket, err)
	}
	return at, nil
}
