package laptop

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/ephor-io/ephor/laptop/cloudformation"
	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/lambda"
	"github.com/ephor-io/ephor/laptop/sqs"
)

// mail lets Lambda's event source mappings take messages.
type mail struct{ queues *sqs.Service }

func (m mail) Queue(arn string) (time.Duration, error) {
	q, err := m.queues.Queue(arn)
	if err != nil {
		return 0, err
	}
	seconds, err := strconv.Atoi(q.Attributes["VisibilityTimeout"])
	return time.Duration(seconds) * time.Second, err
}

func (m mail) Receive(ctx context.Context, arn string, most int, wait time.Duration) ([]lambda.QueueMessage, error) {
	got, err := m.queues.Receive(ctx, arn, sqs.Receiving{Max: most, Wait: &wait})
	var out []lambda.QueueMessage
	for _, g := range got {
		message := lambda.QueueMessage{ID: g.ID, ReceiptHandle: g.ReceiptHandle, Body: g.Body, BodyMD5: g.BodyMD5, AttributesMD5: g.AttributesMD5, System: g.System}
		if len(g.Attributes) > 0 {
			message.Attributes = map[string]lambda.QueueAttribute{}
			for name, a := range g.Attributes {
				message.Attributes[name] = lambda.QueueAttribute(a)
			}
		}
		out = append(out, message)
	}
	return out, err
}

func (m mail) Delete(arn, receiptHandle string) error { return m.queues.Delete(arn, receiptHandle) }

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queue.html
type queueProperties struct {
	QueueName                     string
	FifoQueue                     bool
	ContentBasedDeduplication     *bool
	DeduplicationScope            string
	FifoThroughputLimit           string
	DelaySeconds                  *int
	MaximumMessageSize            *int
	MessageRetentionPeriod        *int
	ReceiveMessageWaitTimeSeconds *int
	VisibilityTimeout             *int
	KmsMasterKeyId                string
	KmsDataKeyReusePeriodSeconds  *int
	SqsManagedSseEnabled          *bool
	RedrivePolicy                 any
	RedriveAllowPolicy            any
	Tags                          tags
}

func (p queueProperties) attributes() (map[string]string, error) {
	redrive, err := policy(p.RedrivePolicy)
	if err != nil {
		return nil, err
	}
	allow, err := policy(p.RedriveAllowPolicy)
	if err != nil {
		return nil, err
	}
	a := map[string]string{}
	for name, value := range map[string]string{"DeduplicationScope": p.DeduplicationScope, "FifoThroughputLimit": p.FifoThroughputLimit, "KmsMasterKeyId": p.KmsMasterKeyId,
		"RedrivePolicy": redrive, "RedriveAllowPolicy": allow} {
		if value != "" {
			a[name] = value
		}
	}
	for name, value := range map[string]*int{"DelaySeconds": p.DelaySeconds, "MaximumMessageSize": p.MaximumMessageSize, "MessageRetentionPeriod": p.MessageRetentionPeriod,
		"ReceiveMessageWaitTimeSeconds": p.ReceiveMessageWaitTimeSeconds, "VisibilityTimeout": p.VisibilityTimeout, "KmsDataKeyReusePeriodSeconds": p.KmsDataKeyReusePeriodSeconds} {
		if value != nil {
			a[name] = strconv.Itoa(*value)
		}
	}
	for name, value := range map[string]*bool{"ContentBasedDeduplication": p.ContentBasedDeduplication, "SqsManagedSseEnabled": p.SqsManagedSseEnabled} {
		if value != nil {
			a[name] = strconv.FormatBool(*value)
		}
	}
	if p.FifoQueue {
		a["FifoQueue"] = "true"
	}
	return a, nil
}

// queueName is a queue's name; of a queue that is there, that in its URL.
func queueName(r cloudformation.Request, p queueProperties) string {
	if r.PhysicalID != "" {
		return r.PhysicalID[strings.LastIndex(r.PhysicalID, "/")+1:]
	}
	if p.FifoQueue && p.QueueName == "" {
		return physical(r, "", 80-len(".fifo"), asItIs) + ".fifo"
	}
	return physical(r, p.QueueName, 80, asItIs)
}

func queues(service *sqs.Service) cloudformation.Provider {
	made := func(q sqs.Queue, err error) (cloudformation.Resource, error) {
		return made(q.URL, map[string]any{"Arn": q.ARN, "QueueName": q.Name, "QueueUrl": q.URL}, err)
	}
	return resource[queueProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"QueueName", "FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit", "DelaySeconds", "MaximumMessageSize",
				"MessageRetentionPeriod", "ReceiveMessageWaitTimeSeconds", "VisibilityTimeout", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled",
				"RedrivePolicy", "RedriveAllowPolicy", "Tags"},
			CreateOnly: []string{"QueueName", "FifoQueue"},
			Attributes: []string{"Arn", "QueueName", "QueueUrl"},
		},
		find: func(r cloudformation.Request, p queueProperties) (cloudformation.Resource, string, bool) {
			q, err := service.Queue(queueName(r, p))
			got, _ := made(q, nil)
			return got, q.ClientToken, err == nil
		},
		create: func(_ context.Context, r cloudformation.Request, p queueProperties) (cloudformation.Resource, error) {
			name := queueName(r, p)
			if _, err := service.Queue(name); err == nil {
				return cloudformation.Resource{}, awsproto.Errorf("QueueAlreadyExists", "A queue named %s already exists", name)
			}
			attributes, err := p.attributes()
			if err != nil {
				return cloudformation.Resource{}, err
			}
			return made(service.CreateQueue(sqs.QueueInput{Name: name, Attributes: attributes, Tags: p.Tags.toMap(), ClientToken: r.Token}))
		},
		update: func(_ context.Context, r cloudformation.Request, p queueProperties) (cloudformation.Resource, error) {
			name := queueName(r, p)
			q, err := service.Queue(name)
			next, perr := p.attributes()
			if err == nil {
				err = perr
			}
			if err == nil {
				if policy := q.Attributes["Policy"]; policy != "" {
					next["Policy"] = policy // which is a resource of its own
				}
				err = service.ReplaceAttributes(name, next)
			}
			if err == nil {
				err = service.SetTags(name, p.Tags.toMap())
			}
			if err != nil {
				return cloudformation.Resource{}, err
			}
			return made(service.Queue(name))
		},
		remove: func(_ context.Context, r cloudformation.Request, p queueProperties) error {
			return goneQueue(service.DeleteQueue(queueName(r, p)))
		},
	}
}

// goneQueue passes over that a queue is not there, which SQS says with status 400.
func goneQueue(err error) error {
	if err != nil && awsproto.From(err).Code == "QueueDoesNotExist" {
		return nil
	}
	return err
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queuepolicy.html
type queuePolicyProperties struct {
	PolicyDocument any
	Queues         []string
}

func queuePolicies(service *sqs.Service) cloudformation.Provider {
	return sharedPolicy[queuePolicyProperties]{
		required: []string{"PolicyDocument", "Queues"},
		of:       func(p queuePolicyProperties) (any, []string) { return p.PolicyDocument, p.Queues },
		key:      "Queues",
		mark: func(queue string) (string, error) {
			q, err := service.Queue(queue)
			return q.PolicyMark, err
		},
		set:  service.SetPolicy,
		gone: func(err error) bool { return goneQueue(err) == nil },
	}.provider()
}
