package laptop

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	queue "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// consumerZip is the function of testdata/consumer, built once.
var consumerZip = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "ephor-laptop-test-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "bootstrap")
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", program, "./testdata/consumer")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	data, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	header := &zip.FileHeader{Name: "bootstrap"}
	header.SetMode(0o755)
	f, err := z.CreateHeader(header)
	if err == nil {
		_, err = f.Write(data)
	}
	if err == nil {
		err = z.Close()
	}
	return out.Bytes(), err
})

// consumer is a laptop with a stack of a function that keeps its events.
type consumer struct {
	*life
	laptop *Laptop
	config aws.Config
	sink   string
	out    map[string]string
}

// consumed starts one. To the function, the resource F, resources are added, as JSON: they end
// the template's Resources, and may be followed by other members of it.
func consumed(t *testing.T, dir, resources string) *consumer {
	t.Helper()
	zipped, err := consumerZip()
	if err != nil {
		t.Fatal(err)
	}
	l := start(t, Config{Dir: dir, Events: func(e Event) {
		switch e := e.(type) {
		case Problem:
			t.Error(e.Err)
		case FunctionLog:
			t.Log(e.Line)
		}
	}})
	endpoint := l.Addresses().Endpoint
	c := &consumer{life: &life{t: t, client: client(l)}, laptop: l, sink: sharedDir(t),
		config: aws.Config{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("any", "any", "")}}
	objects := c.objects()
	if _, err := objects.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("code")}); err != nil {
		t.Fatal(err)
	}
	if _, err := objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("code"), Key: aws.String("c.zip"), Body: bytes.NewReader(zipped)}); err != nil {
		t.Fatal(err)
	}
	architecture := map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH]
	template := fmt.Sprintf(`{"Resources": {
	  "F": {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "f", "Runtime": "provided.al2023", "Handler": "bootstrap", "Architectures": [%q], "Timeout": 1,
	    "Role": "arn:aws:iam::000000000000:role/r", "Code": {"S3Bucket": "code", "S3Key": "c.zip"}, "Environment": {"Variables": {"SINK": %q}}}},
	  %s}`, architecture, c.sink, resources)
	made, err := c.client.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: aws.String("s"), TemplateBody: &template,
		Capabilities: []types.Capability{types.CapabilityCapabilityIam}})
	if err != nil {
		t.Fatal(err)
	}
	c.id = *made.StackId
	c.out = c.becomes(types.StackStatusCreateComplete)
	return c
}

// sharedDir is a folder that functions see, too: /tmp is their own.
func sharedDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "ephor-laptop-test-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func (c *consumer) objects() *s3.Client {
	return s3.NewFromConfig(c.config, func(o *s3.Options) { o.UsePathStyle = true })
}

func (c *consumer) queues() *sqs.Client { return sqs.NewFromConfig(c.config) }

// events are those that the function has got, in no order.
func (c *consumer) events() []string {
	c.t.Helper()
	files, err := filepath.Glob(filepath.Join(c.sink, "*.json"))
	if err != nil {
		c.t.Fatal(err)
	}
	var all []string
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			c.t.Fatal(err)
		}
		all = append(all, string(data))
	}
	return all
}

// until waits for something.
func (c *consumer) until(what string, ok func() bool) {
	c.t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			c.t.Fatalf("%s: not after a minute; the events are %v", what, c.events())
		}
	}
}

// A message that fails again and again ends in the dead letter queue, and holds up no other.
func TestAQueueLeadsToAFunction(t *testing.T) {
	t.Parallel()
	c := consumed(t, t.TempDir(), `
	  "Dead": {"Type": "AWS::SQS::Queue"},
	  "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 1, "RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": 2}}},
	  "Mapping": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {"FunctionName": {"Ref": "F"}, "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
	    "BatchSize": 10, "FunctionResponseTypes": ["ReportBatchItemFailures"], "FilterCriteria": {"Filters": [{"Pattern": "{\"body\": [{\"anything-but\": \"nobody wants this\"}]}"}]}}}
	}, "Outputs": {"Queue": {"Value": {"Ref": "Queue"}}, "Dead": {"Value": {"Ref": "Dead"}}}`)
	q := c.queues()
	for _, body := range []string{"good", "poison", "nobody wants this"} {
		if _, err := q.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(c.out["Queue"]), MessageBody: &body}); err != nil {
			t.Fatal(err)
		}
	}
	var dead *sqs.ReceiveMessageOutput
	c.until("the dead letter", func() bool {
		var err error
		dead, err = q.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(c.out["Dead"]), WaitTimeSeconds: 20})
		if err != nil {
			t.Fatal(err)
		}
		return len(dead.Messages) > 0
	})
	if *dead.Messages[0].Body != "poison" {
		t.Errorf("the dead letter is %q", *dead.Messages[0].Body)
	}
	text := strings.Join(c.events(), "\n")
	if good, poison, filtered := strings.Count(text, `"body":"good"`), strings.Count(text, `"body":"poison"`), strings.Count(text, "nobody"); good != 1 || poison != 2 || filtered != 0 {
		t.Errorf("the function got good %d times, poison %d and what was filtered %d times", good, poison, filtered)
	}
	c.until("an empty queue", func() bool { // the dead letter is there before it is gone here
		got, err := q.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: aws.String(c.out["Queue"]), AttributeNames: []queue.QueueAttributeName{"All"}})
		if err != nil {
			t.Fatal(err)
		}
		return got.Attributes["ApproximateNumberOfMessages"] == "0" && got.Attributes["ApproximateNumberOfMessagesNotVisible"] == "0"
	})
	if _, err := c.client.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: aws.String("s")}); err != nil {
		t.Fatal(err)
	}
	c.becomes(types.StackStatusDeleteComplete)
}

// A schedule of a rate calls at once, and then again and again.
func TestAScheduleCallsAFunction(t *testing.T) {
	t.Parallel()
	c := consumed(t, t.TempDir(), `
	  "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole"}]}}},
	  "Schedule": {"Type": "AWS::Scheduler::Schedule", "Properties": {"ScheduleExpression": "rate(1 minute)", "FlexibleTimeWindow": {"Mode": "OFF"},
	    "Target": {"Arn": {"Fn::GetAtt": ["F", "Arn"]}, "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]}, "Input": "{\"at\": \"<aws.scheduler.scheduled-time>\"}"}}}
	}`)
	c.until("the first event", func() bool { return len(c.events()) > 0 })
	if got := c.events()[0]; !strings.HasPrefix(got, `{"at": "20`) {
		t.Errorf("the event is %s", got)
	}
}

// What comes into a bucket and what goes is told to a function, if its name fits.
func TestABucketCallsAFunction(t *testing.T) {
	t.Parallel()
	c := consumed(t, t.TempDir(), `
	  "May": {"Type": "AWS::Lambda::Permission", "Properties": {"FunctionName": {"Ref": "F"}, "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com",
	    "SourceArn": "arn:aws:s3:::images", "SourceAccount": {"Ref": "AWS::AccountId"}}},
	  "Bucket": {"Type": "AWS::S3::Bucket", "DependsOn": "May", "Properties": {"BucketName": "images", "NotificationConfiguration": {"LambdaConfigurations": [
	    {"Event": "s3:ObjectCreated:*", "Function": {"Fn::GetAtt": ["F", "Arn"]}, "Filter": {"S3Key": {"Rules": [{"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".png"}]}}},
	    {"Event": "s3:ObjectRemoved:Delete", "Function": {"Fn::GetAtt": ["F", "Arn"]}}]}}}
	}`)
	objects := c.objects()
	for _, key := range []string{"in/a b.png", "in/a.jpg", "out/a.png"} {
		if _, err := objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("images"), Key: &key, Body: strings.NewReader("four")}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := objects.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("images"), Key: aws.String("in/a.jpg")}); err != nil {
		t.Fatal(err)
	}
	c.until("both events", func() bool { return len(c.events()) == 2 })
	for _, text := range c.events() {
		var e events.S3Event
		if err := json.Unmarshal([]byte(text), &e); err != nil || len(e.Records) != 1 {
			t.Fatalf("%s: %v", text, err)
		}
		switch r := e.Records[0]; r.EventName {
		case "ObjectCreated:Put":
			if r.S3.Object.Key != "in/a+b.png" || r.S3.Object.URLDecodedKey != "in/a b.png" || r.S3.Object.Size != 4 || r.S3.Object.ETag == "" || r.S3.Bucket.Name != "images" {
				t.Errorf("created: %+v", r)
			}
		case "ObjectRemoved:Delete":
			if r.S3.Object.Key != "in/a.jpg" {
				t.Errorf("removed: %+v", r)
			}
		default:
			t.Errorf("%s", r.EventName)
		}
	}
	got, err := objects.GetBucketNotificationConfiguration(t.Context(), &s3.GetBucketNotificationConfigurationInput{Bucket: aws.String("images")})
	if err != nil || len(got.LambdaFunctionConfigurations) != 2 || len(got.LambdaFunctionConfigurations[0].Filter.Key.FilterRules) != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	put := func(want string, configuration *s3types.NotificationConfiguration) {
		t.Helper()
		_, err := objects.PutBucketNotificationConfiguration(t.Context(), &s3.PutBucketNotificationConfigurationInput{Bucket: aws.String("images"), NotificationConfiguration: configuration})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	one := func(function string, event s3types.Event) s3types.LambdaFunctionConfiguration {
		return s3types.LambdaFunctionConfiguration{LambdaFunctionArn: &function, Events: []s3types.Event{event}}
	}
	f := "arn:aws:lambda:us-east-1:000000000000:function:f"
	put("Unable to validate", &s3types.NotificationConfiguration{LambdaFunctionConfigurations: []s3types.LambdaFunctionConfiguration{one(f+"2", "s3:ObjectCreated:*")}})
	put("overlap", &s3types.NotificationConfiguration{LambdaFunctionConfigurations: []s3types.LambdaFunctionConfiguration{one(f, "s3:ObjectCreated:*"), one(f, "s3:ObjectCreated:Put")}})
	put("not supported", &s3types.NotificationConfiguration{LambdaFunctionConfigurations: []s3types.LambdaFunctionConfiguration{one(f, "s3:ObjectTagging:*")}})
	put("", &s3types.NotificationConfiguration{EventBridgeConfiguration: &s3types.EventBridgeConfiguration{}})
	put("", &s3types.NotificationConfiguration{})
}
