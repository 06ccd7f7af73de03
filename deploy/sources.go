package deploy

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/iam"
)

// OutputQueue is the output with a queue's URL, and OutputBucket that with a bucket's name.
func OutputQueue(queue string) string { return queue + "Queue" }

// OutputBucket is the output with a bucket's name.
func OutputBucket(bucket string) string { return bucket + "Bucket" }

// sources adds to the application's stack its queues and buckets, and what calls its functions.
func sources(app *ephor.App, t cfn.Template) {
	for _, q := range app.Queues() {
		t.Resources[q.Name+"Queue"] = queue(app, q)
		t.Outputs[OutputQueue(q.Name)] = cfn.Output{Description: "The URL of queue " + q.Name, Value: cfn.Ref(q.Name + "Queue")}
	}
	for _, b := range app.Buckets() {
		t.Resources[b.Name+"Bucket"] = objects(app, b)
		t.Outputs[OutputBucket(b.Name)] = cfn.Output{Description: "The name of bucket " + b.Name, Value: cfn.Ref(b.Name + "Bucket")}
	}
	scheduled := []string{}
	for _, trigger := range app.Triggers() {
		f := trigger.Function.Name
		switch s := trigger.Source.(type) {
		case ephor.Messages:
			t.Resources[f+"From"+s.Queue.Name+"Queue"] = mapping(f, s)
		case ephor.Schedule:
			t.Resources[scheduleID(f, s)] = schedule(f, s)
			scheduled = append(scheduled, f)
		case ephor.Objects:
			t.Resources[f+"By"+s.Bucket.Name+"Bucket"] = bucketPermission(app, f, s.Bucket)
		}
	}
	if len(scheduled) > 0 {
		slices.Sort(scheduled)
		t.Resources["ScheduleRole"] = scheduleRole(slices.Compact(scheduled))
	}
	topicsAndRules(app, t)
}

// permissions are what f may do: what it says itself, to take what calls it, and to use what it uses.
func permissions(app *ephor.App, f *ephor.Function) []iam.Statement {
	all := slices.Clone(f.Permissions)
	for _, trigger := range app.Triggers() {
		if s, ok := trigger.Source.(ephor.Messages); ok && trigger.Function == f {
			all = append(all, iam.Allow("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes").On(queueARN(s.Queue)))
		}
	}
	uses := f.Uses()
	for _, variable := range slices.Sorted(maps.Keys(uses)) {
		switch r := uses[variable].(type) {
		case *ephor.Queue:
			all = append(all, iam.Allow("sqs:SendMessage", "sqs:GetQueueUrl").On(queueARN(r)))
		case *ephor.Bucket:
			arn := "arn:${AWS::Partition}:s3:::" + bucketName(app, r)
			all = append(all, iam.Allow("s3:ListBucket").On(cfn.Sub(arn)),
				iam.Allow("s3:GetObject", "s3:PutObject", "s3:DeleteObject").On(cfn.Sub(arn+"/*")))
		case *ephor.Topic:
			all = append(all, iam.Allow("sns:Publish").On(cfn.Ref(r.Name+"Topic")))
		case *ephor.Bus:
			all = append(all, iam.Allow("events:PutEvents").On(cfn.GetAtt(r.Name+"Bus", "Arn")))
		}
	}
	return all
}

// used are the variables that tell f where what it uses is.
func used(app *ephor.App, f *ephor.Function) map[string]any {
	variables := map[string]any{}
	for variable, resource := range f.Uses() {
		switch r := resource.(type) {
		case *ephor.Queue:
			variables[variable] = cfn.Ref(r.Name + "Queue")
		case *ephor.Bucket:
			variables[variable] = cfn.Sub(bucketName(app, r))
		case *ephor.Topic:
			variables[variable] = cfn.Ref(r.Name + "Topic")
		case *ephor.Bus:
			variables[variable] = cfn.Ref(r.Name + "Bus")
		}
	}
	return variables
}

func queueARN(q *ephor.Queue) any { return cfn.GetAtt(q.Name+"Queue", "Arn") }

// queue is the resource of q.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queue.html
func queue(app *ephor.App, q *ephor.Queue) cfn.Resource {
	p := map[string]any{"SqsManagedSseEnabled": true, "VisibilityTimeout": int(visibility(app, q) / time.Second)}
	if q.FIFO {
		p["FifoQueue"] = true
	}
	if q.ContentDedup {
		p["ContentBasedDeduplication"] = true
	}
	if q.Delay > 0 {
		p["DelaySeconds"] = int(q.Delay / time.Second)
	}
	if q.Retention > 0 {
		p["MessageRetentionPeriod"] = int(q.Retention / time.Second)
	}
	if q.DeadLetters != nil {
		p["RedrivePolicy"] = map[string]any{"deadLetterTargetArn": queueARN(q.DeadLetters), "maxReceiveCount": cmp.Or(q.Tries, 5)}
	}
	return cfn.Resource{Type: "AWS::SQS::Queue", Properties: p}
}

// visibility is what a queue says or what AWS recommends for the functions that it leads to:
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-queueconfig
func visibility(app *ephor.App, q *ephor.Queue) time.Duration {
	if q.Visibility != 0 {
		return q.Visibility
	}
	v := 30 * time.Second
	for _, t := range app.Triggers() {
		if s, ok := t.Source.(ephor.Messages); ok && s.Queue == q {
			v = max(v, 6*cmp.Or(t.Function.Timeout, 3*time.Second)+s.Window)
		}
	}
	return v
}

// mapping lets Lambda take a queue's messages for a function.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-eventsourcemapping.html
func mapping(function string, s ephor.Messages) cfn.Resource {
	p := map[string]any{"FunctionName": cfn.Ref(function + "Function"), "EventSourceArn": queueARN(s.Queue), "BatchSize": cmp.Or(s.Batch, 10)}
	if s.Window > 0 {
		p["MaximumBatchingWindowInSeconds"] = int(s.Window / time.Second)
	}
	if s.Partial {
		p["FunctionResponseTypes"] = []any{"ReportBatchItemFailures"}
	}
	if s.Concurrency > 0 {
		p["ScalingConfig"] = map[string]any{"MaximumConcurrency": s.Concurrency}
	}
	if len(s.Filters) > 0 {
		var filters []any
		for _, text := range s.Filters {
			filters = append(filters, map[string]any{"Pattern": text})
		}
		p["FilterCriteria"] = map[string]any{"Filters": filters}
	}
	return cfn.Resource{Type: "AWS::Lambda::EventSourceMapping", Properties: p}
}

// scheduleID tells a function's schedules apart, whatever their order.
func scheduleID(function string, s ephor.Schedule) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%s|%s", s.Expression(), s.Zone, s.Input))
	return fmt.Sprintf("%sSchedule%x", function, sum[:4])
}

// scheduledEvent is what a function gets if the schedule says nothing else: an events.EventBridgeEvent. It is
// said, so that it is the same everywhere. What Scheduler puts in the brackets is listed in
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
const scheduledEvent = `{"version": "0", "id": "<aws.scheduler.execution-id>", "detail-type": "Scheduled Event", "source": "aws.scheduler", ` +
	`"account": "${AWS::AccountId}", "time": "<aws.scheduler.scheduled-time>", "region": "${AWS::Region}", ` +
	`"resources": ["<aws.scheduler.schedule-arn>"], "detail": {}}`

// schedule calls a function at times. It is one of EventBridge Scheduler, which AWS recommends over
// EventBridge's scheduled rules: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-scheduler-schedule.html
func schedule(function string, s ephor.Schedule) cfn.Resource {
	target := map[string]any{"Arn": cfn.GetAtt(function+"Function", "Arn"), "RoleArn": cfn.GetAtt("ScheduleRole", "Arn"), "Input": cfn.Sub(scheduledEvent)}
	if s.Input != "" {
		target["Input"] = s.Input
	}
	flexible := map[string]any{"Mode": "OFF"}
	if s.Flexible > 0 {
		flexible = map[string]any{"Mode": "FLEXIBLE", "MaximumWindowInMinutes": int(s.Flexible / time.Minute)}
	}
	return cfn.Resource{Type: "AWS::Scheduler::Schedule", Properties: map[string]any{
		"ScheduleExpression": s.Expression(), "ScheduleExpressionTimezone": cmp.Or(s.Zone, "UTC"), "FlexibleTimeWindow": flexible, "Target": target,
	}}
}

// scheduleRole lets Scheduler call the functions: it does so with a role and not by their policies.
//
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html#setting-up-execution-role
func scheduleRole(functions []string) cfn.Resource {
	var arns []any
	for _, f := range functions {
		arns = append(arns, cfn.GetAtt(f+"Function", "Arn"))
	}
	return role("scheduler.amazonaws.com", map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": cfn.Ref("AWS::AccountId")}},
		policy("invoke", iam.Allow("lambda:InvokeFunction").On(arns...)))
}

// bucketName is fixed before the bucket is there: the permission to call a function must come before the
// bucket that calls it, and the function before the permission, so none of them can refer to it.
func bucketName(app *ephor.App, b *ephor.Bucket) string {
	return strings.ToLower(app.Name()+"-"+b.Name) + "-${AWS::AccountId}-${AWS::Region}"
}

// objects is the resource of b.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
func objects(app *ephor.App, b *ephor.Bucket) cfn.Resource {
	p := map[string]any{
		"BucketName": cfn.Sub(bucketName(app, b)),
		"BucketEncryption": map[string]any{"ServerSideEncryptionConfiguration": []any{map[string]any{
			"ServerSideEncryptionByDefault": map[string]any{"SSEAlgorithm": "AES256"}}}},
		"PublicAccessBlockConfiguration": map[string]any{"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true},
	}
	if b.Versioned {
		p["VersioningConfiguration"] = map[string]any{"Status": "Enabled"}
	}
	r := cfn.Resource{Type: "AWS::S3::Bucket", Properties: p}
	var notify []any
	for _, t := range app.Triggers() {
		s, ok := t.Source.(ephor.Objects)
		if !ok || s.Bucket != b {
			continue
		}
		c := map[string]any{"Event": "s3:ObjectCreated:*", "Function": cfn.GetAtt(t.Function.Name+"Function", "Arn")}
		if s.Removed {
			c["Event"] = "s3:ObjectRemoved:*"
		}
		var rules []any
		for _, rule := range [][2]string{{"prefix", s.Prefix}, {"suffix", s.Suffix}} {
			if rule[1] != "" {
				rules = append(rules, map[string]any{"Name": rule[0], "Value": rule[1]})
			}
		}
		if rules != nil {
			c["Filter"] = map[string]any{"S3Key": map[string]any{"Rules": rules}}
		}
		notify = append(notify, c)
		r.DependsOn = append(r.DependsOn, t.Function.Name+"By"+b.Name+"Bucket")
	}
	configuration := map[string]any{}
	if b.EventBridge {
		configuration["EventBridgeConfiguration"] = map[string]any{"EventBridgeEnabled": true}
	}
	if notify != nil {
		configuration["LambdaConfigurations"] = notify
		slices.Sort(r.DependsOn)
		r.DependsOn = slices.Compact(r.DependsOn)
	}
	if len(configuration) > 0 {
		p["NotificationConfiguration"] = configuration
	}
	return r
}

// bucketPermission lets a bucket call a function.
//
// https://docs.aws.amazon.com/lambda/latest/dg/with-s3.html
func bucketPermission(app *ephor.App, function string, b *ephor.Bucket) cfn.Resource {
	return cfn.Resource{Type: "AWS::Lambda::Permission", Properties: map[string]any{
		"FunctionName":  cfn.Ref(function + "Function"),
		"Action":        "lambda:InvokeFunction",
		"Principal":     "s3.amazonaws.com",
		"SourceAccount": cfn.Ref("AWS::AccountId"),
		"SourceArn":     cfn.Sub("arn:${AWS::Partition}:s3:::" + bucketName(app, b)),
	}}
}
