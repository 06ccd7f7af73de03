package shop

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
)

// lazily makes a client when it is first asked for: main runs on the host, too, which has no use for
// it. On the laptop AWS_ENDPOINT_URL leads the client there, so that nothing here tells it from AWS.
func lazily[C any](make func(aws.Config) C) func() (C, error) {
	return sync.OnceValues(func() (client C, err error) {
		c, err := config.LoadDefaultConfig(context.Background())
		if err != nil {
			return client, err
		}
		return make(c), nil
	})
}

// sqsQueue is a queue of SQS.
type sqsQueue struct {
	variable string // of the environment, which tells its URL
	client   func() (*sqs.Client, error)
}

func queueOf(variable string) queue {
	return sqsQueue{variable, lazily(func(c aws.Config) *sqs.Client { return sqs.NewFromConfig(c) })}
}

func (q sqsQueue) Send(ctx context.Context, message any) error {
	client, err := q.client()
	if err != nil {
		return err
	}
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	_, err = client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String(os.Getenv(q.variable)), MessageBody: aws.String(string(body))})
	return err
}

// s3Bucket is a bucket of S3.
type s3Bucket struct {
	variable string // of the environment, which tells its name
	client   func() (*s3.Client, error)
}

func bucketOf(variable string) bucket {
	return s3Bucket{variable, lazily(func(c aws.Config) *s3.Client { return s3.NewFromConfig(c) })}
}

func (b s3Bucket) name() *string { return aws.String(os.Getenv(b.variable)) }

func (b s3Bucket) Add(ctx context.Context, key string, document any) (bool, error) {
	client, err := b.client()
	if err != nil {
		return false, err
	}
	data, err := json.Marshal(document)
	if err != nil {
		return false, err
	}
	_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: b.name(), Key: &key, Body: bytes.NewReader(data), IfNoneMatch: aws.String("*"),
		ContentType: aws.String("application/json")})
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
	if e, ok := errors.AsType[smithy.APIError](err); ok && e.ErrorCode() == "PreconditionFailed" {
		return false, nil
	}
	return err == nil, err
}

func (b s3Bucket) Read(ctx context.Context, key string, into any) (err error) {
	client, err := b.client()
	if err != nil {
		return err
	}
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: b.name(), Key: &key})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Body.Close()) }()
	if err := json.NewDecoder(out.Body).Decode(into); err != nil {
		return fmt.Errorf("reading %s: %w", key, err)
	}
	return nil
}

func (b s3Bucket) Count(ctx context.Context, prefix string) (n int, err error) {
	client, err := b.client()
	if err != nil {
		return 0, err
	}
	for pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: b.name(), Prefix: &prefix}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, err
		}
		n += len(page.Contents)
	}
	return n, nil
}
