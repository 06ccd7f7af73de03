package deploy

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

// mostCounted is how many versions of objects are counted before the rest is said to be more.
const mostCounted = 10_000

// reason is why a service did not answer, in few words.
func reason(err error) error {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return errors.New(api.ErrorCode())
	}
	return err
}

// countObjects counts what is in a bucket: each version and each mark of a deletion is an object that
// stands in the way of the bucket's own.
//
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
func (d *Deployer) countObjects(ctx context.Context, h *Holding) error {
	objects, size, more, err := d.versions(ctx, &s3.ListObjectVersionsInput{Bucket: &h.ID})
	if err != nil {
		return reason(err)
	}
	h.Amount, h.Blocks = amountOf(objects, size, more), objects > 0
	return nil
}

// versions counts the objects of a bucket up to mostCounted.
func (d *Deployer) versions(ctx context.Context, in *s3.ListObjectVersionsInput) (objects int, size int64, more bool, err error) {
	err = d.eachVersion(ctx, in, func(_ []types.ObjectIdentifier, bytes int64, n int) (bool, error) {
		objects, size = objects+n, size+bytes
		more = objects >= mostCounted
		return !more, nil
	})
	return objects, size, more, err
}

// eachVersion goes through a bucket's versions and marks of deletions, a page at a time, until see says no.
func (d *Deployer) eachVersion(ctx context.Context, in *s3.ListObjectVersionsInput, see func(page []types.ObjectIdentifier, size int64, n int) (bool, error)) error {
	pages := s3.NewListObjectVersionsPaginator(d.s3, in)
	for on := true; on && pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		var all []types.ObjectIdentifier
		var size int64
		for _, v := range page.Versions {
			all = append(all, types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
			size += aws.ToInt64(v.Size)
		}
		for _, m := range page.DeleteMarkers {
			all = append(all, types.ObjectIdentifier{Key: m.Key, VersionId: m.VersionId})
		}
		if on, err = see(all, size, len(all)); err != nil {
			return err
		}
	}
	return nil
}

func amountOf(objects int, size int64, more bool) string {
	switch {
	case more:
		return fmt.Sprintf("more than %d objects", mostCounted)
	case objects == 1:
		return "1 object, " + bytesText(size)
	}
	return strconv.Itoa(objects) + " objects, " + bytesText(size)
}

func bytesText(n int64) string {
	switch {
	case n < 1e3:
		return fmt.Sprintf("%d bytes", n)
	case n < 1e6:
		return fmt.Sprintf("%.1f KB", float64(n)/1e3)
	case n < 1e9:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}

// countMessages counts a queue's messages, as nearly as SQS tells: those to be had, those under way and
// those that are delayed.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html
func (d *Deployer) countMessages(ctx context.Context, h *Holding) error {
	names := []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameApproximateNumberOfMessages,
		sqstypes.QueueAttributeNameApproximateNumberOfMessagesNotVisible, sqstypes.QueueAttributeNameApproximateNumberOfMessagesDelayed}
	out, err := sqs.NewFromConfig(d.config).GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &h.ID, AttributeNames: names})
	if err != nil {
		return reason(err)
	}
	sum := 0
	for _, name := range names {
		n, err := strconv.Atoi(out.Attributes[string(name)])
		if err != nil {
			return fmt.Errorf("%s is %q", name, out.Attributes[string(name)])
		}
		sum += n
	}
	h.Amount = strconv.Itoa(sum) + " messages"
	if sum == 1 {
		h.Amount = "1 message"
	}
	return nil
}

// measureLog tells the size of a log group; it leaves that empty if there is no such group.
//
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html
func (d *Deployer) measureLog(ctx context.Context, h *Holding) error {
	out, err := cloudwatchlogs.NewFromConfig(d.config).DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &h.ID})
	if err != nil {
		return reason(err)
	}
	for _, g := range out.LogGroups {
		if aws.ToString(g.LogGroupName) == h.ID {
			h.Amount = bytesText(aws.ToInt64(g.StoredBytes))
		}
	}
	return nil
}
