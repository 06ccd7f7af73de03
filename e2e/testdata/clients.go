// Clients is the smallest function that calls SQS and S3 as examples/orders does, to compare sizes with.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func main() {
	lambda.Start(func(ctx context.Context, _ events.APIGatewayV2HTTPRequest) error {
		c, err := config.LoadDefaultConfig(ctx)
		if err != nil {
			return err
		}
		objects := s3.NewFromConfig(c)
		if _, err = objects.PutObject(ctx, &s3.PutObjectInput{}); err != nil {
			return err
		}
		if _, err = objects.GetObject(ctx, &s3.GetObjectInput{}); err != nil {
			return err
		}
		if _, err = objects.ListObjectsV2(ctx, &s3.ListObjectsV2Input{}); err != nil {
			return err
		}
		_, err = sqs.NewFromConfig(c).SendMessage(ctx, &sqs.SendMessageInput{})
		return err
	})
}
