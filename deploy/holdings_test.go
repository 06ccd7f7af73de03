package deploy_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/deploy"
)

// What the deletion of a stack takes with it, and what it leaves, counted by services of two makes.
func TestHoldings(t *testing.T) {
	t.Parallel()
	t.Run("laptop", func(t *testing.T) {
		t.Parallel()
		d, config, _ := deployer(t)
		holdings(t, d, config, "Secret ")
	})
	t.Run("moto", func(t *testing.T) {
		t.Parallel()
		config := moto(t)
		holdings(t, deploy.New(deploy.Config{AWS: config}), config) // it passes secrets over
	})
}

// holdings compares; more is what not every place has.
func holdings(t *testing.T, d *deploy.Deployer, config aws.Config, more ...string) {
	ctx := t.Context()
	s := ephor.Stack{Name: "Store", Template: cfn.Template{Resources: map[string]cfn.Resource{
		"Files":   {Type: "AWS::S3::Bucket", Properties: map[string]any{"BucketName": "store-files"}},
		"Kept":    {Type: "AWS::S3::Bucket", DeletionPolicy: "Retain", Properties: map[string]any{"BucketName": "store-kept"}},
		"Empty":   {Type: "AWS::S3::Bucket", Properties: map[string]any{"BucketName": "store-empty"}},
		"Orders":  {Type: "AWS::SQS::Queue", Properties: map[string]any{"QueueName": "store-orders"}},
		"Log":     {Type: "AWS::Logs::LogGroup", Properties: map[string]any{"LogGroupName": "store-log"}},
		"Secret":  {Type: "AWS::SecretsManager::Secret", Properties: map[string]any{"GenerateSecretString": map[string]any{}}},
		"Address": {Type: "AWS::EC2::EIP"},
	}}}
	if _, err := d.Converge(ctx, s); err != nil {
		t.Fatal(err)
	}
	objects := s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true })
	_, err := objects.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: aws.String("store-files"),
		VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled}})
	if err != nil {
		t.Fatal(err)
	}
	put := func(bucket, key, body string) {
		t.Helper()
		if _, err := objects.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(body)}); err != nil {
			t.Fatal(err)
		}
	}
	put("store-files", "a", "12345")
	put("store-files", "a", strings.Repeat("x", 2000))
	put("store-kept", "b", "123")
	if _, err := objects.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String("store-files"), Key: aws.String("a")}); err != nil {
		t.Fatal(err)
	}
	queues := sqs.NewFromConfig(config)
	queue, err := queues.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("store-orders")})
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{"one", "two"} {
		if _, err := queues.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: &body}); err != nil {
			t.Fatal(err)
		}
	}
	writeLog(t, config, "store-log")

	all, err := d.Holdings(ctx, "Never", "Store")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, h := range all {
		if h.Stack != "Store" || h.ID == "" || h.Unknown != "" {
			t.Errorf("%+v", h)
		}
		line := h.LogicalID + " " + h.Amount
		if h.LogicalID == "Log" && h.Amount != "" { // how many bytes, each service counts in its own way
			line = "Log some"
		}
		if h.Stays {
			line += " stays"
		}
		if h.Blocks {
			line += " blocks"
		}
		got = append(got, line)
	}
	want := []string{"Empty 0 objects, 0 bytes", "Files 3 objects, 2.0 KB blocks", "Kept 1 object, 3 bytes stays", "Log some", "Orders 2 messages"}
	if diff := cmp.Diff(append(want, more...), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	// What cannot be counted is said, and holds up nothing.
	if _, err := queues.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: queue.QueueUrl}); err != nil {
		t.Fatal(err)
	}
	all, err = d.Holdings(ctx, "Store")
	i := slices.IndexFunc(all, func(h deploy.Holding) bool { return h.LogicalID == "Orders" })
	if err != nil || i < 0 || all[i].Unknown == "" || all[i].Amount != "" {
		t.Errorf("of a queue that is gone: %+v, %v", all, err)
	}
}

func writeLog(t *testing.T, config aws.Config, group string) {
	t.Helper()
	client := cloudwatchlogs.NewFromConfig(config)
	stream := aws.String("stream")
	if _, err := client.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: stream}); err != nil {
		t.Fatal(err)
	}
	_, err := client.PutLogEvents(t.Context(), &cloudwatchlogs.PutLogEventsInput{LogGroupName: &group, LogStreamName: stream,
		LogEvents: []logstypes.InputLogEvent{{Message: aws.String("hello"), Timestamp: aws.Int64(time.Now().UnixMilli())}}})
	if err != nil {
		t.Fatal(err)
	}
}

// The artifact bucket goes with all of its versions, and nobody minds if it is gone already.
func TestDeleteArtifacts(t *testing.T) {
	t.Parallel()
	f := func(t *testing.T, config aws.Config) {
		ctx := t.Context()
		var events []deploy.Event
		d := deploy.New(deploy.Config{App: "Shop", AWS: config, Events: func(e deploy.Event) { events = append(events, e) }})
		if name, amount, err := d.Artifacts(ctx, "Shop"); err != nil || amount != "" || !strings.HasPrefix(name, "ephor-shop-") {
			t.Errorf("before there is one: %q %q %v", name, amount, err)
		}
		if err := d.DeleteArtifacts(ctx, "Shop"); err != nil || len(events) > 0 {
			t.Errorf("of what is not there: %v %v", err, events)
		}
		for _, content := range []string{"a", "b"} {
			p := &deploy.Package{App: "Shop", Files: map[string][]byte{"bootstrap": []byte(content)}, Key: "Shop/same.zip"}
			if _, err := d.Upload(ctx, p); err != nil {
				t.Fatal(err)
			}
			p.Key = "Shop/" + content + ".zip"
			if _, err := d.Upload(ctx, p); err != nil {
				t.Fatal(err)
			}
		}
		name, amount, err := d.Artifacts(ctx, "Shop")
		if err != nil || !strings.HasPrefix(amount, "3 objects, ") {
			t.Errorf("%q %v", amount, err)
		}
		client := s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true })
		if _, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &name, Key: aws.String("Shop/a.zip")}); err != nil {
			t.Fatal(err) // it leaves a mark of the deletion
		}
		events = nil
		if err := d.DeleteArtifacts(ctx, "Shop"); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]deploy.Event{deploy.BucketDeleted{Bucket: name}}, events); diff != "" {
			t.Error(diff)
		}
		if _, amount, err := d.Artifacts(ctx, "Shop"); err != nil || amount != "" {
			t.Errorf("afterwards: %q %v", amount, err)
		}
	}
	t.Run("laptop", func(t *testing.T) {
		t.Parallel()
		_, config, _ := deployer(t)
		f(t, config)
	})
	t.Run("moto", func(t *testing.T) {
		t.Parallel()
		f(t, moto(t))
	})
}
