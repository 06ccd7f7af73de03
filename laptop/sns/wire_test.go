package sns

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/ephor-io/ephor/internal/awstest"
)

func serve(t *testing.T) (world, string) {
	t.Helper()
	w := newWorld()
	return w, awstest.Serve(t, open(t, t.TempDir(), w))
}

func TestTheSDK(t *testing.T) {
	t.Parallel()
	w, endpoint := serve(t)
	c := sns.NewFromConfig(awstest.Config(endpoint))
	ctx := t.Context()
	topic, err := c.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("orders"), Attributes: map[string]string{"DisplayName": "Orders"},
		Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}})
	awstest.Must(t, err)
	again, err := c.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("orders")})
	if err != nil || *again.TopicArn != *topic.TopicArn {
		t.Errorf("once more: %v, %v", again, err)
	}
	_, err = c.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("orders"), Attributes: map[string]string{"DisplayName": "Other"}})
	awstest.Refused(t, err, "InvalidParameter", "different attributes")
	_, err = c.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("a b")})
	awstest.Refused(t, err, "InvalidParameter", "Topic Name")
	_, err = c.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("a.fifo"), Attributes: map[string]string{"FifoTopic": "true"}})
	awstest.Refused(t, err, "InvalidParameter", "FIFO")
	sub, err := c.Subscribe(ctx, &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: aws.String(queueARN),
		Attributes: map[string]string{"RawMessageDelivery": "true", "FilterPolicy": `{"kind": ["book"]}`}, ReturnSubscriptionArn: true})
	awstest.Must(t, err)
	_, err = c.Subscribe(ctx, &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("email"), Endpoint: aws.String("a@b.example")})
	awstest.Refused(t, err, "InvalidParameter", "the protocol email")
	_, err = c.Subscribe(ctx, &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("lambda"), Endpoint: aws.String(function), Attributes: map[string]string{"RawMessageDelivery": "true"}})
	awstest.Refused(t, err, "InvalidParameter", "does not support raw")
	_, err = c.Subscribe(ctx, &sns.SubscribeInput{TopicArn: aws.String(*topic.TopicArn + "x"), Protocol: aws.String("lambda"), Endpoint: aws.String(function)})
	awstest.Refused(t, err, "NotFound", "Topic")

	book := map[string]types.MessageAttributeValue{"kind": {DataType: aws.String("String"), StringValue: aws.String("book")}}
	out, err := c.Publish(ctx, &sns.PublishInput{TopicArn: topic.TopicArn, Message: aws.String("a <book> & more"), MessageAttributes: book})
	if err != nil || *out.MessageId == "" {
		t.Fatal(out, err)
	}
	_, err = c.Publish(ctx, &sns.PublishInput{TopicArn: topic.TopicArn, Message: aws.String("a map")})
	awstest.Must(t, err)
	batch, err := c.PublishBatch(ctx, &sns.PublishBatchInput{TopicArn: topic.TopicArn, PublishBatchRequestEntries: []types.PublishBatchRequestEntry{
		{Id: aws.String("1"), Message: aws.String("second"), MessageAttributes: book}, {Id: aws.String("2"), Message: aws.String("x"), Subject: aws.String("\n")},
		{Id: aws.String("3"), Message: aws.String("y"), MessageGroupId: aws.String("g")}}})
	awstest.Must(t, err)
	if len(batch.Successful) != 1 || *batch.Successful[0].Id != "1" || len(batch.Failed) != 2 || *batch.Failed[0].Code != "InvalidParameter" || !batch.Failed[0].SenderFault {
		t.Errorf("the batch: %+v", batch)
	}
	if got := strings.Join(w.Of(queueARN), "|"); got != "a <book> & more|second" {
		t.Errorf("the queue got %q", got)
	}
	_, err = c.PublishBatch(ctx, &sns.PublishBatchInput{TopicArn: topic.TopicArn, PublishBatchRequestEntries: []types.PublishBatchRequestEntry{
		{Id: aws.String("1"), Message: aws.String("x")}, {Id: aws.String("1"), Message: aws.String("y")}}})
	awstest.Refused(t, err, "BatchEntryIdsNotDistinct", "same Id")
	_, err = c.Publish(ctx, &sns.PublishInput{PhoneNumber: aws.String("+10000000"), Message: aws.String("x")})
	awstest.Refused(t, err, "InvalidParameter", "PhoneNumber")
	_, err = c.Publish(ctx, &sns.PublishInput{TopicArn: topic.TopicArn, Message: aws.String("x"), MessageAttributes: map[string]types.MessageAttributeValue{"n": {DataType: aws.String("Number"), StringValue: aws.String("x")}}})
	awstest.Refused(t, err, "ParameterValueInvalid", "numeric")
	_, err = c.Publish(ctx, &sns.PublishInput{TopicArn: topic.TopicArn, Message: aws.String(strings.Repeat("x", 256<<10+1))})
	awstest.Refused(t, err, "InvalidParameter", "too long")
	_, err = c.Publish(ctx, &sns.PublishInput{TopicArn: topic.TopicArn, Message: aws.String(`{"sqs": "x"}`), MessageStructure: aws.String("json")})
	awstest.Refused(t, err, "InvalidParameter", "No default entry")

	attributes, err := c.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: topic.TopicArn})
	if err != nil || attributes.Attributes["SubscriptionsConfirmed"] != "1" || attributes.Attributes["DisplayName"] != "Orders" || attributes.Attributes["Owner"] != "000000000000" {
		t.Errorf("%+v, %v", attributes, err)
	}
	_, err = c.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{TopicArn: topic.TopicArn, AttributeName: aws.String("DisplayName"), AttributeValue: aws.String("New")})
	awstest.Must(t, err)
	_, err = c.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{TopicArn: topic.TopicArn, AttributeName: aws.String("DeliveryPolicy"), AttributeValue: aws.String("{}")})
	awstest.Refused(t, err, "InvalidParameter", "the attribute DeliveryPolicy")
	_, err = c.SetSubscriptionAttributes(ctx, &sns.SetSubscriptionAttributesInput{SubscriptionArn: sub.SubscriptionArn, AttributeName: aws.String("FilterPolicyScope"), AttributeValue: aws.String("MessageBody")})
	awstest.Must(t, err)
	told, err := c.GetSubscriptionAttributes(ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: sub.SubscriptionArn})
	if err != nil || told.Attributes["FilterPolicyScope"] != "MessageBody" || told.Attributes["RawMessageDelivery"] != "true" || told.Attributes["Endpoint"] != queueARN {
		t.Errorf("%+v, %v", told, err)
	}
	listed, err := c.ListSubscriptionsByTopic(ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: topic.TopicArn})
	if err != nil || len(listed.Subscriptions) != 1 || *listed.Subscriptions[0].SubscriptionArn != *sub.SubscriptionArn || *listed.Subscriptions[0].Owner == "" {
		t.Errorf("%+v, %v", listed, err)
	}
	tags, err := c.ListTagsForResource(ctx, &sns.ListTagsForResourceInput{ResourceArn: topic.TopicArn})
	if err != nil || len(tags.Tags) != 1 || *tags.Tags[0].Value != "b" {
		t.Errorf("%+v, %v", tags, err)
	}
	_, err = c.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: sub.SubscriptionArn})
	awstest.Must(t, err)
	_, err = c.GetSubscriptionAttributes(ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: sub.SubscriptionArn})
	awstest.Refused(t, err, "NotFound", "Subscription")
	for i := range 101 {
		_, err := c.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String(fmt.Sprintf("many-%03d", i))})
		awstest.Must(t, err)
	}
	n := 0
	for pages := sns.NewListTopicsPaginator(c, &sns.ListTopicsInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		awstest.Must(t, err)
		n += len(page.Topics)
	}
	if n != 102 {
		t.Errorf("%d topics are listed", n)
	}
	_, err = c.DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: topic.TopicArn})
	awstest.Must(t, err)
	_, err = c.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: topic.TopicArn})
	awstest.Refused(t, err, "NotFound", "Topic")
	_, err = c.GetSMSAttributes(ctx, &sns.GetSMSAttributesInput{})
	awstest.Refused(t, err, "InvalidAction", "GetSMSAttributes")
}

func TestTheCLI(t *testing.T) {
	t.Parallel()
	w, endpoint := serve(t)
	run := awstest.CLI(t, endpoint, "sns")
	const topic = "arn:aws:sns:us-east-1:000000000000:orders"
	run(topic, "create-topic", "--name", "orders")
	run(topic+":", "subscribe", "--topic-arn", topic, "--protocol", "lambda", "--notification-endpoint", function, "--attributes", `{"FilterPolicy": "{\"kind\": [\"book\"]}"}`)
	run("MessageId", "publish", "--topic-arn", topic, "--message", "a book", "--message-attributes", `{"kind": {"DataType": "String", "StringValue": "book"}}`)
	run(`"Protocol": "lambda"`, "list-subscriptions-by-topic", "--topic-arn", topic)
	run("", "delete-topic", "--topic-arn", topic)
	if got := w.Of(function); len(got) != 1 || !strings.Contains(got[0], `"Message":"a book"`) {
		t.Errorf("the function got %q", got)
	}
}

func TestBoto3(t *testing.T) {
	t.Parallel()
	w, endpoint := serve(t)
	c := awstest.Boto3(t, `
import boto3, sys
c = boto3.client("sns", endpoint_url=sys.argv[1])
t = c.create_topic(Name="orders")["TopicArn"]
s = c.subscribe(TopicArn=t, Protocol="sqs", Endpoint=sys.argv[2], Attributes={"RawMessageDelivery": "true"})["SubscriptionArn"]
c.publish(TopicArn=t, Message="one", MessageAttributes={"b": {"DataType": "Binary", "BinaryValue": b"\x00\x01"}})
r = c.publish_batch(TopicArn=t, PublishBatchRequestEntries=[{"Id": "a", "Message": "two"}, {"Id": "b", "Message": "three"}])
assert len(r["Successful"]) == 2 and not r.get("Failed"), r
assert c.get_subscription_attributes(SubscriptionArn=s)["Attributes"]["TopicArn"] == t
try:
    c.publish(TopicArn=t + "x", Message="one")
    raise SystemExit("published to no topic")
except c.exceptions.NotFoundException:
    pass
`, endpoint, queueARN)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := strings.Join(w.Of(queueARN), " "); got != "one two three" {
		t.Errorf("the queue got %q", got)
	}
}
