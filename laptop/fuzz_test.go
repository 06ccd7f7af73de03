package laptop

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Whatever reaches the endpoint is answered, with no server's error: what a client gets wrong, or what is
// missing on this machine, is said in the service's own protocol. A handler that panics cuts the connection,
// which is an error here.
func FuzzEndpoint(f *testing.F) {
	const form, json10, json11 = "Content-Type: application/x-www-form-urlencoded", "Content-Type: application/x-amz-json-1.0", "Content-Type: application/x-amz-json-1.1"
	post := func(service, headers, body string) { f.Add(service, "POST", "/", headers, []byte(body)) }
	rest := func(service, method, target, body string) { f.Add(service, method, target, "", []byte(body)) }
	for call, body := range map[string]string{
		"CreateQueue":                  `{"QueueName":"q.fifo","Attributes":{"FifoQueue":"true","VisibilityTimeout":"1"},"tags":{"a":"b"}}`,
		"SendMessage":                  `{"QueueUrl":"http://127.0.0.1/000000000000/q.fifo","MessageBody":"b","MessageGroupId":"g","MessageDeduplicationId":"d","MessageAttributes":{"n":{"DataType":"Number","StringValue":"1"}}}`,
		"SendMessageBatch":             `{"QueueUrl":"http://127.0.0.1/000000000000/q.fifo","Entries":[{"Id":"1","MessageBody":"x","MessageAttributes":{"b":{"DataType":"Binary","BinaryValue":"AAE="}}}]}`,
		"ReceiveMessage":               `{"QueueUrl":"http://127.0.0.1/000000000000/q.fifo","MaxNumberOfMessages":10,"AttributeNames":["All"]}`,
		"ChangeMessageVisibilityBatch": `{"QueueUrl":"http://127.0.0.1/000000000000/q.fifo","Entries":[{"Id":"1","ReceiptHandle":"h","VisibilityTimeout":0}]}`,
		"SetQueueAttributes":           `{"QueueUrl":"http://127.0.0.1/000000000000/q.fifo","Attributes":{"RedrivePolicy":"{\"maxReceiveCount\":1}"}}`,
	} {
		post("sqs", json10+"\nX-Amz-Target: AmazonSQS."+call, body)
	}
	post("sqs", form, "Action=CreateQueue&QueueName=plain&Attribute.1.Name=DelaySeconds&Attribute.1.Value=1&Tag.1.Key=a&Tag.1.Value=b")
	post("sqs", form, "Action=SendMessageBatch&QueueUrl=http%3A%2F%2Fx%2F000000000000%2Fplain&SendMessageBatchRequestEntry.1.Id=a&SendMessageBatchRequestEntry.1.MessageBody=b&SendMessageBatchRequestEntry.1.MessageAttribute.1.Name=n&SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.StringValue=1&SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType=String")
	post("sqs", form, "Action=ReceiveMessage&QueueUrl=http%3A%2F%2Fx%2F000000000000%2Fplain&AttributeName.1=All&MaxNumberOfMessages=x")
	post("cloudformation", form, "Action=CreateStack&Version=2010-05-15&StackName=s&TemplateBody=Resources:%20%7BQ:%20%7BType:%20AWS::SQS::Queue%7D%7D&Parameters.member.1.ParameterKey=P&Tags.member.1.Key=k")
	post("cloudformation", form, "Action=CreateChangeSet&StackName=s&ChangeSetName=c&ChangeSetType=CREATE&TemplateBody=%7B%22Resources%22:%7B%22A%22:%7B%22Type%22:%22AWS::SSM::Parameter%22,%22Properties%22:%7B%22Type%22:%22String%22,%22Value%22:%7B%22Fn::Sub%22:%22$%7BAWS::Region%7D%22%7D%7D%7D%7D%7D")
	post("cloudformation", form, "Action=SignalResource&StackName=s&LogicalResourceId=A&UniqueId=1&Status=SUCCESS")
	post("sts", form, "Action=GetCallerIdentity&Version=2011-06-15")
	post("iam", form, "Action=CreateRole&RoleName=r&AssumeRolePolicyDocument=%7B%22Version%22:%222012-10-17%22,%22Statement%22:%5B%5D%7D&Version=2010-05-08")
	post("ec2", form, "Action=DescribeInstances&InstanceId.1=i-1&Version=2016-11-15")
	post("ssm", json11+"\nX-Amz-Target: AmazonSSM.PutParameter", `{"Name":"/a","Type":"String","Value":"v","Overwrite":true}`)
	post("ssm", json11+"\nX-Amz-Target: AmazonSSM.GetParametersByPath", `{"Path":"/","Recursive":true,"MaxResults":2}`)
	post("secretsmanager", json11+"\nX-Amz-Target: secretsmanager.CreateSecret", `{"Name":"s","SecretBinary":"AAE=","ClientRequestToken":"01234567890123456789012345678901"}`)
	post("secretsmanager", json11+"\nX-Amz-Target: secretsmanager.GetSecretValue", `{"SecretId":"s","VersionStage":"AWSCURRENT"}`)
	post("logs", json11+"\nX-Amz-Target: Logs_20140328.CreateLogGroup", `{"logGroupName":"g","tags":{"a":"b"}}`)
	post("logs", json11+"\nX-Amz-Target: Logs_20140328.PutLogEvents", `{"logGroupName":"g","logStreamName":"s","logEvents":[{"timestamp":1,"message":"m"}]}`)
	post("logs", json11+"\nX-Amz-Target: Logs_20140328.FilterLogEvents", `{"logGroupName":"g","filterPattern":"{ $.a = 1 }","startTime":0,"limit":5}`)
	rest("s3", "PUT", "/bucket", `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>`)
	f.Add("s3", "PUT", "/bucket/key", "Content-Encoding: aws-chunked\nX-Amz-Content-Sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\nX-Amz-Trailer: x-amz-checksum-crc32\nX-Amz-Decoded-Content-Length: 5",
		[]byte("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"))
	rest("s3", "POST", "/bucket?delete", `<Delete><Object><Key>key</Key></Object><Quiet>true</Quiet></Delete>`)
	rest("s3", "POST", "/bucket/big?uploads", "")
	rest("s3", "POST", "/bucket/big?uploadId=u", `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"x"</ETag></Part></CompleteMultipartUpload>`)
	rest("s3", "PUT", "/bucket?versioning", `<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>`)
	rest("s3", "PUT", "/bucket?notification", `<NotificationConfiguration><CloudFunctionConfiguration><Event>s3:ObjectCreated:*</Event></CloudFunctionConfiguration></NotificationConfiguration>`)
	rest("s3", "GET", "/bucket?list-type=2&prefix=k&delimiter=%2F&max-keys=1&encoding-type=url", "")
	f.Add("s3", "GET", "/bucket/key?versionId=null", "Range: bytes=1-2\nIf-None-Match: *", []byte(nil))
	rest("lambda", "POST", "/2015-03-31/functions", `{"FunctionName":"f","Role":"arn:aws:iam::000000000000:role/r","Runtime":"provided.al2023","Handler":"bootstrap","Code":{"ZipFile":"UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="}}`)
	rest("lambda", "POST", "/2015-03-31/functions/f/invocations", `{}`)
	rest("lambda", "PUT", "/2019-09-25/functions/f:1/event-invoke-config", `{"MaximumRetryAttempts":1}`)
	rest("lambda", "POST", "/2015-03-31/event-source-mappings", `{"EventSourceArn":"arn:aws:sqs:us-east-1:000000000000:plain","FunctionName":"f","FilterCriteria":{"Filters":[{"Pattern":"{\"a\":[1]}"}]}}`)
	rest("lambda", "POST", "/2018-10-31/layers/l/versions", `{"Content":{"ZipFile":"AA=="}}`)
	rest("apigateway", "GET", "/v2/apis?maxResults=5", "")
	rest("scheduler", "POST", "/schedules/s", `{"ScheduleExpression":"rate(1 day)","FlexibleTimeWindow":{"Mode":"OFF"},"Target":{"Arn":"a","RoleArn":"b"}}`)
	rest("", "PUT", "/cloudformation-signal/x?X-Amz-Signature=y", `{"Status":"SUCCESS","UniqueId":"u"}`)

	l, err := Start(f.Context(), Config{Dir: f.TempDir()})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := l.Close(ctx); err != nil {
			f.Error(err)
		}
	})
	f.Fuzz(func(t *testing.T, service, method, target, headers string, body []byte) {
		// A long poll is no fault: whoever has not answered by then is left.
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, method, l.Addresses().Endpoint+target, bytes.NewReader(body))
		if err != nil || r.URL.Host != strings.TrimPrefix(l.Addresses().Endpoint, "http://") {
			t.Skip() // no request
		}
		for line := range strings.Lines(headers) {
			if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
				r.Header.Set(strings.TrimSpace(name), strings.TrimSpace(value))
			}
		}
		if service != "" {
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=any/20261122/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
		}
		r.Close = true
		resp, err := http.DefaultTransport.RoundTrip(r)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return
		case err != nil && (strings.Contains(err.Error(), "invalid") || strings.Contains(err.Error(), "unsupported")):
			t.Skip() // refused before it was sent
		case err != nil:
			t.Fatalf("%s %s: %v", method, target, err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%s %s: %d, reading the answer: %v", method, target, resp.StatusCode, err)
		}
		if resp.StatusCode == http.StatusInternalServerError || resp.StatusCode == http.StatusBadGateway {
			t.Errorf("%s %s: %d %s", method, target, resp.StatusCode, text)
		}
	})
}
