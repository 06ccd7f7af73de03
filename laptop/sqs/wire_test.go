package sqs

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/internal/awstest"
)

// serve serves a service of its own, whose queues' URLs lead to it.
func serve(t *testing.T) (*Service, *httptest.Server) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	s, err := Open(Config{Dir: t.TempDir(), Endpoint: func() string { return server.URL }})
	must(t, err)
	server.Config.Handler = s
	server.Start()
	t.Cleanup(func() { must(t, s.Close()); server.Close() })
	return s, server
}

func TestTheSDK(t *testing.T) {
	t.Parallel()
	s, server := serve(t)
	ctx := t.Context()
	c := sdk.NewFromConfig(aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("any", "any", "")})
	made, err := c.CreateQueue(ctx, &sdk.CreateQueueInput{QueueName: aws.String("q"), Attributes: map[string]string{"VisibilityTimeout": "60"}, Tags: map[string]string{"a": "b"}})
	must(t, err)
	q := made.QueueUrl
	if found, err := c.GetQueueUrl(ctx, &sdk.GetQueueUrlInput{QueueName: aws.String("q")}); err != nil || *found.QueueUrl != *q || *q != server.URL+"/000000000000/q" {
		t.Errorf("%v, %v, made %s", found, err, *q)
	}
	_, err = c.GetQueueUrl(ctx, &sdk.GetQueueUrlInput{QueueName: aws.String("none")})
	if _, ok := errors.AsType[*types.QueueDoesNotExist](err); !ok {
		t.Errorf("a queue that is not there: %v", err)
	}
	attributes := map[string]types.MessageAttributeValue{
		"kind": {DataType: aws.String("String"), StringValue: aws.String("book")}, "weight": {DataType: aws.String("Number.kg"), StringValue: aws.String("1.5")},
		"cover": {DataType: aws.String("Binary"), BinaryValue: []byte{0, 1, 2}}}
	// The SDK compares the digests with its own.
	sent, err := c.SendMessage(ctx, &sdk.SendMessageInput{QueueUrl: q, MessageBody: aws.String("ü <&>"), MessageAttributes: attributes})
	must(t, err)
	if *sent.MD5OfMessageAttributes == "" {
		t.Error("no digest of the attributes")
	}
	batch, err := c.SendMessageBatch(ctx, &sdk.SendMessageBatchInput{QueueUrl: q, Entries: []types.SendMessageBatchRequestEntry{
		{Id: aws.String("1"), MessageBody: aws.String("one")}, {Id: aws.String("2"), MessageBody: aws.String("two"), DelaySeconds: 901}}})
	must(t, err)
	if len(batch.Successful) != 1 || len(batch.Failed) != 1 || *batch.Failed[0].Code != "InvalidParameterValue" || !batch.Failed[0].SenderFault {
		t.Errorf("the batch: %+v", batch)
	}
	got, err := c.ReceiveMessage(ctx, &sdk.ReceiveMessageInput{QueueUrl: q, MaxNumberOfMessages: 10, WaitTimeSeconds: 1,
		MessageAttributeNames: []string{"All"}, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"ApproximateReceiveCount"}})
	must(t, err)
	if len(got.Messages) != 2 || *got.Messages[0].Body != "ü <&>" || *got.Messages[0].MD5OfMessageAttributes != *sent.MD5OfMessageAttributes ||
		got.Messages[0].Attributes["ApproximateReceiveCount"] != "1" || len(got.Messages[0].Attributes) != 1 || string(got.Messages[0].MessageAttributes["cover"].BinaryValue) != "\x00\x01\x02" {
		t.Errorf("received %+v", got.Messages)
	}
	handle := got.Messages[0].ReceiptHandle
	_, err = c.ChangeMessageVisibilityBatch(ctx, &sdk.ChangeMessageVisibilityBatchInput{QueueUrl: q, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{{Id: aws.String("a"), ReceiptHandle: handle, VisibilityTimeout: 0}}})
	must(t, err)
	_, err = c.ChangeMessageVisibility(ctx, &sdk.ChangeMessageVisibilityInput{QueueUrl: q, ReceiptHandle: handle, VisibilityTimeout: 5})
	if _, ok := errors.AsType[*types.MessageNotInflight](err); !ok {
		t.Errorf("a message that is not in flight: %v", err)
	}
	removed, err := c.DeleteMessageBatch(ctx, &sdk.DeleteMessageBatchInput{QueueUrl: q, Entries: []types.DeleteMessageBatchRequestEntry{
		{Id: aws.String("a"), ReceiptHandle: handle}, {Id: aws.String("b"), ReceiptHandle: aws.String("rubbish")}}})
	if err != nil || len(removed.Successful) != 1 || len(removed.Failed) != 1 || *removed.Failed[0].Code != "ReceiptHandleIsInvalid" {
		t.Errorf("deleted %+v, %v", removed, err)
	}
	_, err = c.SendMessageBatch(ctx, &sdk.SendMessageBatchInput{QueueUrl: q, Entries: []types.SendMessageBatchRequestEntry{}})
	if _, ok := errors.AsType[*types.EmptyBatchRequest](err); !ok {
		t.Errorf("an empty batch: %v", err)
	}
	_, err = c.SetQueueAttributes(ctx, &sdk.SetQueueAttributesInput{QueueUrl: q, Attributes: map[string]string{"DelaySeconds": "9"}})
	must(t, err)
	all, err := c.GetQueueAttributes(ctx, &sdk.GetQueueAttributesInput{QueueUrl: q, AttributeNames: []types.QueueAttributeName{"All"}})
	must(t, err)
	if all.Attributes["DelaySeconds"] != "9" || all.Attributes["VisibilityTimeout"] != "60" || all.Attributes["QueueArn"] != "arn:aws:sqs:us-east-1:000000000000:q" {
		t.Errorf("attributes %v", all.Attributes)
	}
	_, err = c.TagQueue(ctx, &sdk.TagQueueInput{QueueUrl: q, Tags: map[string]string{"c": "d"}})
	must(t, err)
	_, err = c.UntagQueue(ctx, &sdk.UntagQueueInput{QueueUrl: q, TagKeys: []string{"a"}})
	must(t, err)
	if tags, err := c.ListQueueTags(ctx, &sdk.ListQueueTagsInput{QueueUrl: q}); err != nil || !cmp.Equal(tags.Tags, map[string]string{"c": "d"}) {
		t.Errorf("tags %v, %v", tags, err)
	}
	create(t, s, "q2")
	create(t, s, "other")
	var urls []string
	for pages := sdk.NewListQueuesPaginator(c, &sdk.ListQueuesInput{QueueNamePrefix: aws.String("q"), MaxResults: aws.Int32(1)}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		must(t, err)
		urls = append(urls, page.QueueUrls...)
	}
	if want := []string{server.URL + "/000000000000/q", server.URL + "/000000000000/q2"}; !cmp.Equal(urls, want) {
		t.Errorf("queues %v", urls)
	}
	_, err = c.StartMessageMoveTask(ctx, &sdk.StartMessageMoveTaskInput{SourceArn: aws.String("arn:aws:sqs:us-east-1:000000000000:q")})
	if api, ok := errors.AsType[smithy.APIError](err); !ok || !strings.Contains(api.ErrorMessage(), "StartMessageMoveTask") {
		t.Errorf("what there is not: %v", err)
	}
	_, err = c.PurgeQueue(ctx, &sdk.PurgeQueueInput{QueueUrl: q})
	must(t, err)
	_, err = c.DeleteQueue(ctx, &sdk.DeleteQueueInput{QueueUrl: q})
	must(t, err)
}

func TestTheQueryProtocol(t *testing.T) {
	t.Parallel()
	_, server := serve(t)
	ask := func(path string, status int, form ...string) string {
		t.Helper()
		values := url.Values{"Version": {"2012-11-05"}}
		for i := 0; i < len(form); i += 2 {
			values.Set(form[i], form[i+1])
		}
		r, err := http.PostForm(server.URL+path, values)
		must(t, err)
		defer r.Body.Close()
		data, err := io.ReadAll(r.Body)
		must(t, err)
		if r.StatusCode != status {
			t.Fatalf("%v: %s %s", form, r.Status, data)
		}
		return string(data)
	}
	has := func(text string, parts ...string) {
		t.Helper()
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("%s is not in %s", part, text)
			}
		}
	}
	const q = "/000000000000/q"
	has(ask("/", 200, "Action", "CreateQueue", "QueueName", "q", "Attribute.1.Name", "VisibilityTimeout", "Attribute.1.Value", "40", "Tag.1.Key", "a", "Tag.1.Value", "b"),
		`<CreateQueueResponse xmlns="`+namespace+`"><CreateQueueResult><QueueUrl>`+server.URL+q+"</QueueUrl></CreateQueueResult>", "<RequestId>")
	ask(q, 200, "Action", "SetQueueAttributes", "Attribute.Name", "DelaySeconds", "Attribute.Value", "0")
	has(ask(q, 200, "Action", "SendMessage", "MessageBody", "x<y", "MessageAttribute.1.Name", "k", "MessageAttribute.1.Value.DataType", "Binary", "MessageAttribute.1.Value.BinaryValue", "AAEC"),
		"<MD5OfMessageBody>", "<MD5OfMessageAttributes>", "<MessageId>")
	has(ask(q, 200, "Action", "SendMessageBatch", "SendMessageBatchRequestEntry.1.Id", "a", "SendMessageBatchRequestEntry.1.MessageBody", "second",
		"SendMessageBatchRequestEntry.2.Id", "b", "SendMessageBatchRequestEntry.2.MessageBody", "z", "SendMessageBatchRequestEntry.2.DelaySeconds", "9999"),
		"<SendMessageBatchResult><SendMessageBatchResultEntry><Id>a</Id>", "<BatchResultErrorEntry><Id>b</Id><SenderFault>true</SenderFault><Code>InvalidParameterValue</Code>")
	got := ask(q, 200, "Action", "ReceiveMessage", "MaxNumberOfMessages", "10", "AttributeName.1", "All", "MessageAttributeName.1", "All")
	has(got, "<ReceiveMessageResult><Message><MessageId>", "<Body>x&lt;y</Body>", "<Attribute><Name>ApproximateReceiveCount</Name><Value>1</Value></Attribute>",
		"<MessageAttribute><Name>k</Name><Value><BinaryValue>AAEC</BinaryValue><DataType>Binary</DataType></Value></MessageAttribute>", "<Body>second</Body>")
	_, rest, _ := strings.Cut(got, "<ReceiptHandle>")
	handle, _, _ := strings.Cut(rest, "</ReceiptHandle>")
	has(ask(q, 200, "Action", "ChangeMessageVisibility", "ReceiptHandle", handle, "VisibilityTimeout", "60"), "<ChangeMessageVisibilityResponse")
	has(ask(q, 200, "Action", "DeleteMessageBatch", "DeleteMessageBatchRequestEntry.1.Id", "d", "DeleteMessageBatchRequestEntry.1.ReceiptHandle", handle),
		"<DeleteMessageBatchResult><DeleteMessageBatchResultEntry><Id>d</Id></DeleteMessageBatchResultEntry></DeleteMessageBatchResult>")
	has(ask(q, 200, "Action", "GetQueueAttributes", "AttributeName.1", "VisibilityTimeout"), "<Attribute><Name>VisibilityTimeout</Name><Value>40</Value></Attribute>")
	has(ask(q, 200, "Action", "ListQueueTags"), "<Tag><Key>a</Key><Value>b</Value></Tag>")
	has(ask("/", 200, "Action", "ListQueues"), "<ListQueuesResult><QueueUrl>"+server.URL+q+"</QueueUrl></ListQueuesResult>")
	has(ask("/", 400, "Action", "GetQueueUrl", "QueueName", "none"), "<Code>AWS.SimpleQueueService.NonExistentQueue</Code>", "<Type>Sender</Type>")
	has(ask("/", 400), "<Code>MissingAction</Code>")
	ask(q, 200, "Action", "DeleteQueue")
}

func TestTheCLI(t *testing.T) {
	t.Parallel()
	cli := awstest.Program(t)
	_, server := serve(t)
	run := func(args ...string) string {
		t.Helper()
		out, err := awstest.Command(t, cli, server.URL, append([]string{"sqs"}, args...)...).CombinedOutput()
		if err != nil {
			return err.Error() + ": " + string(out)
		}
		return string(out)
	}
	var made struct{ QueueUrl string }
	if out := run("create-queue", "--queue-name", "q"); json.Unmarshal([]byte(out), &made) != nil {
		t.Fatal(out)
	}
	run("send-message", "--queue-url", made.QueueUrl, "--message-body", "hello", "--message-attributes", `{"n":{"DataType":"Number","StringValue":"7"}}`)
	out := run("receive-message", "--queue-url", made.QueueUrl, "--wait-time-seconds", "5", "--message-attribute-names", "All", "--attribute-names", "All")
	var got struct {
		Messages []struct {
			Body, ReceiptHandle string
			Attributes          map[string]string
			MessageAttributes   map[string]struct{ StringValue string }
		}
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || len(got.Messages) != 1 || got.Messages[0].Body != "hello" ||
		got.Messages[0].MessageAttributes["n"].StringValue != "7" || got.Messages[0].Attributes["SentTimestamp"] == "" {
		t.Fatalf("received %s: %v", out, err)
	}
	if out := run("delete-message", "--queue-url", made.QueueUrl, "--receipt-handle", got.Messages[0].ReceiptHandle); out != "" {
		t.Errorf("deleting: %s", out)
	}
	if out := run("get-queue-url", "--queue-name", "none"); !strings.Contains(out, "AWS.SimpleQueueService.NonExistentQueue") {
		t.Errorf("a queue that is not there: %s", out)
	}
}
