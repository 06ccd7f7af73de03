// Sources is what the suite of event sources deploys: each of its functions tells the queue Seen what it was
// called with.
package main

import (
	"context"
	"encoding/json"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cli"
)

func tell(ctx context.Context, event json.RawMessage) (string, error) {
	c, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return "", err
	}
	text := os.Getenv("_HANDLER") + " " + string(event)
	_, err = sqs.NewFromConfig(c).SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String(os.Getenv("QUEUE_SEEN")), MessageBody: &text})
	return "told", err
}

func main() {
	app := ephor.New("EphorSources")
	for _, name := range []string{"Queue", "Topic", "Bus", "Default", "Bucket", "Rate", "Cron", "Url"} {
		app.Function(name, tell)
	}
	cli.Main(app)
}
