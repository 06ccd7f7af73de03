package deploy_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	bus "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	topic "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/deploy"
	"github.com/ephor-io/ephor/internal/awstest"
	"github.com/ephor-io/ephor/internal/uptest"
)

const sourcesStack = "EphorSources"

// sourcesWorkflow deploys an application with every event source. Kind is what topic, bus, queue and bucket
// let through, and changes with it; rate says whether there is a schedule of a rate.
func (l *life) sourcesWorkflow(kind string, rate bool) *deploy.Workflow {
	app := ephor.New(sourcesStack)
	seen, orders, lost := app.Queue("Seen"), app.Queue("Orders"), app.Queue("Lost")
	news, shop, files := app.Topic("News"), app.Bus("Shop"), app.Bucket("Files")
	files.EventBridge = true
	add := func(name string, sources ...ephor.Source) *ephor.Function {
		f := app.Function(name, func() error { return nil })
		f.Timeout = 10 * time.Second
		f.Use(seen)
		for _, s := range sources {
			app.On(s, f)
		}
		return f
	}
	detail := `"detail": {"kind": ["` + kind + `"]}`
	add("Queue", ephor.Messages{Queue: orders, Filters: []string{`{"body": {"kind": ["` + kind + `"]}}`}})
	add("Topic", ephor.Notifications{Topic: news, Filter: `{"kind": ["` + kind + `"]}`, DeadLetters: lost})
	on := shop
	if _, cannot := l.cannot[ownBuses]; cannot {
		on = nil
	}
	add("Bus", ephor.Events{Bus: on, Pattern: `{"source": ["shop"], ` + detail + `}`, DeadLetters: lost})
	add("Default", ephor.Events{Pattern: `{"source": ["aws.s3"], "detail": {"object": {"key": [{"prefix": "` + kind + `/"}]}}}`})
	add("Bucket", ephor.Objects{Bucket: files, Prefix: kind + "/"})
	add("Cron", ephor.Schedule{Cron: "* * * * ? *"})
	add("Url").URL = &ephor.URL{}
	if rate {
		add("Rate", ephor.Schedule{Rate: time.Minute})
	}
	return deploy.NewWorkflow(deploy.WorkflowConfig{
		App: app, Deployer: l.deployer,
		Build: l.build("./testdata/sources", ""),
	})
}

// sources declares, deploys, triggers, changes and deletes every event source.
func (l *life) sources(t *testing.T) {
	fills := l.begin(t, sourcesStack)
	result, err := l.sourcesWorkflow("book", true).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := result.Outputs
	if l.can(t, invokes) {
		fills(out[deploy.OutputBucket("Files")])
		l.trigger(t, out, "book", "Queue", "Topic", "Bus", "Default", "Bucket", "Url", "Cron", "Rate")
	}
	if changed, err := l.sourcesWorkflow("map", false).Run(t.Context()); err != nil || changed.Unchanged {
		t.Fatalf("the update: %+v, %v", changed, err)
	}
	if l.can(t, invokes) {
		l.trigger(t, out, "map", "Queue", "Topic", "Bus", "Default", "Bucket", "Url")
	}
	// What is no longer in the template is deleted when the update is done already.
	uptest.Eventually(t, "the schedule at a rate is gone", func() bool {
		list, err := cloudformation.NewFromConfig(l.config).DescribeStackResources(t.Context(), &cloudformation.DescribeStackResourcesInput{StackName: aws.String(sourcesStack)})
		if err != nil {
			t.Fatal(err)
		}
		return !slices.ContainsFunc(list.StackResources, func(r types.StackResource) bool {
			return strings.HasPrefix(aws.ToString(r.LogicalResourceId), "Rate") && r.ResourceStatus != types.ResourceStatusDeleteComplete
		})
	})
}

// trigger makes something happen of one kind at every source until all functions have told of it. AWS takes its
// time until a source is ready, and until its filter is another one.
func (l *life) trigger(t *testing.T, out map[string]string, kind string, functions ...string) {
	t.Helper()
	queues, topics, buses := sqs.NewFromConfig(l.config), sns.NewFromConfig(l.config), eventbridge.NewFromConfig(l.config)
	happen := func(id string) {
		body := `{"kind": "` + kind + `", "id": "` + id + `"}`
		_, err := queues.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(out[deploy.OutputQueue("Orders")]), MessageBody: &body})
		awstest.Must(t, err)
		_, err = topics.Publish(t.Context(), &sns.PublishInput{TopicArn: aws.String(out[deploy.OutputTopic("News")]), Message: &id,
			MessageAttributes: map[string]topic.MessageAttributeValue{"kind": {DataType: aws.String("String"), StringValue: &kind}}})
		awstest.Must(t, err)
		put, err := buses.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []bus.PutEventsRequestEntry{{EventBusName: aws.String(out[deploy.OutputBus("Shop")]),
			Source: aws.String("shop"), DetailType: aws.String("Order"), Detail: &body}}})
		awstest.Must(t, err)
		if put.FailedEntryCount > 0 {
			t.Fatalf("%+v", put)
		}
		_, err = l.objects().PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(out[deploy.OutputBucket("Files")]), Key: aws.String(kind + "/" + id), Body: strings.NewReader(id)})
		awstest.Must(t, err)
		r, err := http.Get(out[deploy.OutputURL("Url")] + id)
		if err != nil {
			t.Log(err) // its name may not be known yet
			return
		}
		defer r.Body.Close()
		if text, err := io.ReadAll(r.Body); err != nil || r.StatusCode != http.StatusOK {
			t.Logf("the URL: %s %s, %v", r.Status, text, err)
		}
	}
	id := kind + "-1"
	happen(id)
	missing := map[string]bool{}
	for _, f := range functions {
		missing[f] = true
	}
	again := time.Now().Add(time.Minute)
	l.until(t, "every function has been called", func() bool {
		if time.Now().After(again) {
			t.Logf("not called yet: %v", missing)
			happen(id)
			again = time.Now().Add(time.Minute)
		}
		got, err := queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(out[deploy.OutputQueue("Seen")]), WaitTimeSeconds: 5, MaxNumberOfMessages: 10})
		awstest.Must(t, err)
		for _, m := range got.Messages {
			function, event, _ := strings.Cut(*m.Body, " ")
			byTime := function == "Rate" || function == "Cron"
			if byTime && strings.Contains(event, "Scheduled Event") || !byTime && strings.Contains(event, id) {
				delete(missing, function)
			}
			if here := l.config.BaseEndpoint != nil; here && kind == "map" && !byTime && strings.Contains(event, "book-1") {
				t.Errorf("%s was called once more for what the first filter let through: %s", function, event)
			}
			_, err := queues.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: aws.String(out[deploy.OutputQueue("Seen")]), ReceiptHandle: m.ReceiptHandle})
			awstest.Must(t, err)
		}
		return len(missing) == 0
	})
}
