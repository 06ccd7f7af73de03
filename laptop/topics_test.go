package laptop

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	bus "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	topic "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// receive waits for a queue's next message and returns its body.
func (c *consumer) receive(queue string) string {
	c.t.Helper()
	var body string
	c.until("a message in "+queue, func() bool {
		got, err := c.queues().ReceiveMessage(c.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &queue, WaitTimeSeconds: 20})
		if err != nil {
			c.t.Fatal(err)
		}
		if len(got.Messages) > 0 {
			body = *got.Messages[0].Body
		}
		return body != ""
	})
	return body
}

// delete deletes the stack.
func (c *consumer) delete() {
	c.t.Helper()
	if _, err := c.client.DeleteStack(c.t.Context(), &cloudformation.DeleteStackInput{StackName: aws.String("s")}); err != nil {
		c.t.Fatal(err)
	}
	c.becomes(types.StackStatusDeleteComplete)
}

// A topic tells a function and a queue what their filters let through, where their policies let it, and
// the dead letter queue what they do not.
func TestATopicLeadsToAFunctionAndAQueue(t *testing.T) {
	t.Parallel()
	c := consumed(t, t.TempDir(), `
	  "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "News", "Tags": [{"Key": "a", "Value": "b"}]}},
	  "May": {"Type": "AWS::Lambda::Permission", "Properties": {"FunctionName": {"Ref": "F"}, "Action": "lambda:InvokeFunction", "Principal": "sns.amazonaws.com", "SourceArn": {"Ref": "Topic"}}},
	  "ToF": {"Type": "AWS::SNS::Subscription", "DependsOn": "May", "Properties": {"TopicArn": {"Ref": "Topic"}, "Protocol": "lambda", "Endpoint": {"Fn::GetAtt": ["F", "Arn"]}, "FilterPolicy": {"kind": ["book"]}}},
	  "Queue": {"Type": "AWS::SQS::Queue"}, "Closed": {"Type": "AWS::SQS::Queue"}, "Dead": {"Type": "AWS::SQS::Queue"},
	  "ToQueue": {"Type": "AWS::SNS::Subscription", "Properties": {"TopicArn": {"Ref": "Topic"}, "Protocol": "sqs", "Endpoint": {"Fn::GetAtt": ["Queue", "Arn"]}, "RawMessageDelivery": true}},
	  "ToClosed": {"Type": "AWS::SNS::Subscription", "Properties": {"TopicArn": {"Ref": "Topic"}, "Protocol": "sqs", "Endpoint": {"Fn::GetAtt": ["Closed", "Arn"]},
	    "RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}}}},
	  "Policy": {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": [{"Ref": "Queue"}, {"Ref": "Dead"}], "PolicyDocument": {"Version": "2012-10-17", "Statement": [
	    {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "*", "Condition": {"ArnEquals": {"aws:SourceArn": {"Ref": "Topic"}}}}]}}},
	  "TopicPolicy": {"Type": "AWS::SNS::TopicPolicy", "Properties": {"Topics": [{"Ref": "Topic"}], "PolicyDocument": {"Version": "2012-10-17", "Statement": [
	    {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish", "Resource": {"Ref": "Topic"}}]}}}
	}, "Outputs": {"Topic": {"Value": {"Ref": "Topic"}}, "Queue": {"Value": {"Ref": "Queue"}}, "Dead": {"Value": {"Ref": "Dead"}}}`)
	topics := sns.NewFromConfig(c.config)
	publish := func(text, kind string) {
		t.Helper()
		_, err := topics.Publish(t.Context(), &sns.PublishInput{TopicArn: aws.String(c.out["Topic"]), Message: &text,
			MessageAttributes: map[string]topic.MessageAttributeValue{"kind": {DataType: aws.String("String"), StringValue: &kind}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	publish("a map", "map")
	publish("a book", "book")
	c.until("the function's event", func() bool { return len(c.events()) == 1 })
	var e events.SNSEvent
	if err := json.Unmarshal([]byte(c.events()[0]), &e); err != nil || e.Records[0].SNS.Message != "a book" {
		t.Errorf("%s: %v", c.events()[0], err)
	}
	if got := c.receive(c.out["Queue"]) + "|" + c.receive(c.out["Queue"]); got != "a map|a book" {
		t.Errorf("the queue got %q", got)
	}
	if got := c.receive(c.out["Dead"]); !strings.Contains(got, `"Message":"a map"`) {
		t.Errorf("the dead letter is %s", got)
	}
	told, err := topics.GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: aws.String(c.out["Topic"])})
	if err != nil || told.Attributes["SubscriptionsConfirmed"] != "3" || !strings.Contains(told.Attributes["Policy"], "events.amazonaws.com") {
		t.Errorf("%v, %v", told, err)
	}
	c.delete()
}

// A rule leads what a program puts on a bus, and what happens in a bucket, to a function, a queue and a topic.
func TestRulesLeadEvents(t *testing.T) {
	t.Parallel()
	const policy = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": ["events.amazonaws.com", "sns.amazonaws.com"]}, "Action": "*", "Resource": "*"}]}`
	c := consumed(t, t.TempDir(), `
	  "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "inner"}},
	  "Queue": {"Type": "AWS::SQS::Queue"}, "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"Subscription": [{"Protocol": "sqs", "Endpoint": {"Fn::GetAtt": ["Queue", "Arn"]}}]}},
	  "QueuePolicy": {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": [{"Ref": "Queue"}], "PolicyDocument": `+policy+`}},
	  "TopicPolicy": {"Type": "AWS::SNS::TopicPolicy", "Properties": {"Topics": [{"Ref": "Topic"}], "PolicyDocument": `+policy+`}},
	  "Orders": {"Type": "AWS::Events::Rule", "Properties": {"EventBusName": {"Ref": "Bus"}, "EventPattern": {"source": ["shop"]}, "Targets": [
	    {"Id": "f", "Arn": {"Fn::GetAtt": ["F", "Arn"]}, "InputTransformer": {"InputPathsMap": {"kind": "$.detail.kind"}, "InputTemplate": "{\"a\": <kind>}"}},
	    {"Id": "t", "Arn": {"Ref": "Topic"}, "InputPath": "$.detail.kind"}]}},
	  "MayOrders": {"Type": "AWS::Lambda::Permission", "Properties": {"FunctionName": {"Ref": "F"}, "Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com", "SourceArn": {"Fn::GetAtt": ["Orders", "Arn"]}}},
	  "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "watched", "NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": true}}}},
	  "Objects": {"Type": "AWS::Events::Rule", "Properties": {"EventPattern": {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": {"bucket": {"name": [{"Ref": "Bucket"}]}}},
	    "Targets": [{"Id": "f", "Arn": {"Fn::GetAtt": ["F", "Arn"]}}]}},
	  "MayObjects": {"Type": "AWS::Lambda::Permission", "Properties": {"FunctionName": {"Ref": "F"}, "Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com", "SourceArn": {"Fn::GetAtt": ["Objects", "Arn"]}}}
	}, "Outputs": {"Queue": {"Value": {"Ref": "Queue"}}}`)
	out, err := eventbridge.NewFromConfig(c.config).PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []bus.PutEventsRequestEntry{
		{EventBusName: aws.String("inner"), Source: aws.String("shop"), DetailType: aws.String("Order"), Detail: aws.String(`{"kind": "book"}`)}}})
	if err != nil || out.FailedEntryCount != 0 {
		t.Fatal(out, err)
	}
	c.until("the order", func() bool { return len(c.events()) == 1 })
	if got := c.events()[0]; got != `{"a": "book"}` {
		t.Errorf("the function got %s", got)
	}
	if got := c.receive(c.out["Queue"]); !strings.Contains(got, `"Message":"\"book\""`) {
		t.Errorf("the queue behind the topic got %s", got)
	}
	if _, err := c.objects().PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("watched"), Key: aws.String("a b"), Body: strings.NewReader("four")}); err != nil {
		t.Fatal(err)
	}
	c.until("the object", func() bool { return len(c.events()) == 2 })
	if got := strings.Join(c.events(), "\n"); !strings.Contains(got, `"key":"a b","size":4`) || !strings.Contains(got, `"reason":"PutObject"`) {
		t.Errorf("the events: %s", got)
	}
	if _, err := c.objects().DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("watched"), Key: aws.String("a b")}); err != nil {
		t.Fatal(err)
	}
	c.delete()
}
