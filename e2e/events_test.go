package e2e

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ephor-io/ephor/internal/uptest"
)

// chain is an application whose parts call each other by events alone: a request becomes a message,
// the message an object, the object a line; and a schedule that nobody asks.
const chain = `package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cli"
)

func take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = send(r.Context(), string(body))
	}
	if err != nil {
		http.Error(w, err.Error(), 500)
	}
}

func send(ctx context.Context, body string) error {
	c, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	queue := os.Getenv("QUEUE_ORDERS")
	_, err = sqs.NewFromConfig(c).SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &queue, MessageBody: &body})
	return err
}

func ship(ctx context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
	var failed events.SQSEventResponse
	c, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return failed, err
	}
	bucket := os.Getenv("BUCKET_PARCELS")
	for _, m := range e.Records {
		if m.Body == "poison" {
			fmt.Println("cannot ship poison")
			failed.BatchItemFailures = append(failed.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
			continue
		}
		key := "out/" + m.Body
		objects := s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = true })
		if _, err := objects.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(m.Body)}); err != nil {
			return failed, err
		}
	}
	return failed, nil
}

func tell(_ context.Context, e events.S3Event) error {
	for _, r := range e.Records {
		fmt.Println("shipped", r.S3.Object.URLDecodedKey, "by", r.EventName)
	}
	return nil
}

func lost(_ context.Context, e events.SQSEvent) error {
	for _, m := range e.Records {
		fmt.Println("lost", m.Body, "after", m.Attributes["ApproximateReceiveCount"])
	}
	return nil
}

func tidy(_ context.Context, e events.EventBridgeEvent) error {
	fmt.Println("tidy for", e.DetailType, "of", e.Source)
	return nil
}

func main() {
	app := ephor.New("Chain")
	takes, ships := app.Function("Take", http.HandlerFunc(take)), app.Function("Ship", ship)
	takes.Timeout, ships.Timeout = 10*time.Second, 2*time.Second
	orders, dead, parcels := app.Queue("Orders"), app.Queue("Dead"), app.Bucket("Parcels")
	orders.DeadLetters, orders.Tries, orders.Visibility = dead, 2, 2*time.Second
	app.Post("/orders", takes)
	takes.Use(orders)
	ships.Use(parcels)
	app.On(ephor.Messages{Queue: orders, Partial: true}, ships)
	app.On(ephor.Messages{Queue: dead}, app.Function("Lost", lost))
	app.On(ephor.Objects{Bucket: parcels, Prefix: "out/"}, app.Function("Tell", tell))
	app.On(ephor.Schedule{Rate: time.Minute}, app.Function("Tidy", tidy))
	cli.Main(app)
}
`

func TestEventsLeadFromFunctionToFunction(t *testing.T) {
	t.Parallel()
	dir := uptest.NewModule(t, chain)
	program, state := uptest.Build(t, dir), filepath.Join(dir, "state")
	a := up(t, dir, program, state)
	says := func(what string) {
		t.Helper()
		uptest.Eventually(t, what, func() bool { return strings.Contains(a.Stderr.String(), what) })
	}
	post := func(order string) {
		t.Helper()
		r, err := http.Post(a.API+"/orders", "text/plain", strings.NewReader(order))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		if r.StatusCode != http.StatusOK {
			var body bytes.Buffer
			_, _ = body.ReadFrom(r.Body)
			t.Fatalf("%s: %s", r.Status, &body)
		}
	}
	says("tidy for Scheduled Event of aws.scheduler")
	post("book")
	says("shipped out/book by ObjectCreated:Put")
	post("poison")
	says("lost poison after 3")

	// What was acknowledged is not lost with the laptop.
	post("poison")
	a.Stop(os.Kill)
	a = up(t, dir, program, state)
	says("lost poison after")
	post("pen")
	says("shipped out/pen by ObjectCreated:Put")
}
