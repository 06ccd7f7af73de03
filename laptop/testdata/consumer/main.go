// Command consumer is the Lambda function that the tests of event sources run. It keeps every event
// in a file of its own below the folder SINK. Of a queue's messages it reports as failed those that
// say poison.
package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

func main() {
	lambda.Start(func(ctx context.Context, event json.RawMessage) (any, error) {
		lc, _ := lambdacontext.FromContext(ctx)
		f, err := os.CreateTemp(os.Getenv("SINK"), lc.AwsRequestID+"-*")
		if err == nil {
			_, err = f.Write(event)
		}
		if err == nil {
			err = f.Close()
		}
		if err == nil {
			err = os.Rename(f.Name(), filepath.Clean(f.Name())+".json")
		}
		if err != nil {
			return nil, err
		}
		var batch events.SQSEvent
		if err := json.Unmarshal(event, &batch); err != nil {
			return nil, err
		}
		var answer events.SQSEventResponse
		for _, m := range batch.Records {
			if m.Body == "poison" {
				answer.BatchItemFailures = append(answer.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
			}
		}
		return answer, nil
	})
}
