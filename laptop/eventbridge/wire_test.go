package eventbridge

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

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
	c := eventbridge.NewFromConfig(awstest.Config(endpoint))
	ctx := t.Context()
	bus, err := c.CreateEventBus(ctx, &eventbridge.CreateEventBusInput{Name: aws.String("inner"), Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}})
	awstest.Must(t, err)
	_, err = c.CreateEventBus(ctx, &eventbridge.CreateEventBusInput{Name: aws.String("inner")})
	awstest.Refused(t, err, "ResourceAlreadyExistsException", "inner")
	_, err = c.CreateEventBus(ctx, &eventbridge.CreateEventBusInput{Name: aws.String("other"), KmsKeyIdentifier: aws.String("k")})
	awstest.Refused(t, err, "ValidationException", "KmsKeyIdentifier")
	rule, err := c.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("books"), EventBusName: bus.EventBusArn, EventPattern: aws.String(books)})
	awstest.Must(t, err)
	if !strings.HasSuffix(*rule.RuleArn, ":rule/inner/books") {
		t.Errorf("the rule is %s", *rule.RuleArn)
	}
	_, err = c.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("x"), EventPattern: aws.String(`{"a": "b"}`)})
	awstest.Refused(t, err, "InvalidEventPatternException", "Reason: event pattern: a: b stands")
	out, err := c.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String("books"), EventBusName: aws.String("inner"), Targets: []types.Target{{Id: aws.String("f"), Arn: aws.String(function),
		InputTransformer: &types.InputTransformer{InputTemplate: aws.String(`{"n": <n>}`), InputPathsMap: map[string]string{"n": "$.detail.n"}},
		DeadLetterConfig: &types.DeadLetterConfig{Arn: aws.String(dead)}, RetryPolicy: &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(3)}}}})
	if err != nil || out.FailedEntryCount != 0 {
		t.Fatal(out, err)
	}
	_, err = c.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String("books"), EventBusName: aws.String("inner"), Targets: []types.Target{{Id: aws.String("k"), Arn: aws.String(function), RoleArn: aws.String("arn:aws:iam::000000000000:role/r")}}})
	awstest.Refused(t, err, "ValidationException", "RoleArn")
	put, err := c.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{
		{EventBusName: aws.String("inner"), Source: aws.String("shop"), DetailType: aws.String("Order"), Detail: aws.String(`{"kind": "book", "n": 7}`), Time: aws.Time(time.Now())},
		{Source: aws.String("shop"), DetailType: aws.String("Order"), Detail: aws.String(`no`)}}})
	if err != nil || put.FailedEntryCount != 1 || put.Entries[0].EventId == nil || *put.Entries[1].ErrorCode != "MalformedDetail" {
		t.Errorf("%+v, %v", put, err)
	}
	if got := strings.Join(w.Of(function), "|"); got != `{"n": 7}` {
		t.Errorf("the function got %q", got)
	}
	_, err = c.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{{Source: aws.String("shop"), DetailType: aws.String("Order"), Detail: aws.String(`{"x": "` + strings.Repeat("x", 256<<10) + `"}`)}}})
	awstest.Refused(t, err, "ValidationException", "over the limit")
	targets, err := c.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: aws.String("books"), EventBusName: aws.String("inner")})
	if err != nil || len(targets.Targets) != 1 || *targets.Targets[0].RetryPolicy.MaximumRetryAttempts != 3 || *targets.Targets[0].InputTransformer.InputTemplate != `{"n": <n>}` {
		t.Errorf("%+v, %v", targets, err)
	}
	names, err := c.ListRuleNamesByTarget(ctx, &eventbridge.ListRuleNamesByTargetInput{TargetArn: aws.String(function), EventBusName: aws.String("inner")})
	if err != nil || len(names.RuleNames) != 1 {
		t.Errorf("%+v, %v", names, err)
	}
	buses, err := c.ListEventBuses(ctx, &eventbridge.ListEventBusesInput{})
	if err != nil || len(buses.EventBuses) != 2 || *buses.EventBuses[0].Name != "default" {
		t.Errorf("%+v, %v", buses, err)
	}
	tags, err := c.ListTagsForResource(ctx, &eventbridge.ListTagsForResourceInput{ResourceARN: bus.EventBusArn})
	if err != nil || len(tags.Tags) != 1 {
		t.Errorf("%+v, %v", tags, err)
	}
	fits, err := c.TestEventPattern(ctx, &eventbridge.TestEventPatternInput{EventPattern: aws.String(books), Event: aws.String(`{"source": "shop", "detail": {"kind": "book"}}`)})
	if err != nil || !fits.Result {
		t.Errorf("%+v, %v", fits, err)
	}
	_, err = c.DisableRule(ctx, &eventbridge.DisableRuleInput{Name: aws.String("books"), EventBusName: aws.String("inner")})
	awstest.Must(t, err)
	described, err := c.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: aws.String("books"), EventBusName: aws.String("inner")})
	if err != nil || described.State != types.RuleStateDisabled || *described.EventPattern != books {
		t.Errorf("%+v, %v", described, err)
	}
	_, err = c.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: aws.String("books")})
	awstest.Refused(t, err, "ResourceNotFoundException", "does not exist on EventBus default")
	_, err = c.RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{Rule: aws.String("books"), EventBusName: aws.String("inner"), Ids: []string{"f"}})
	awstest.Must(t, err)
	_, err = c.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: aws.String("books"), EventBusName: aws.String("inner")})
	awstest.Must(t, err)
	_, err = c.DeleteEventBus(ctx, &eventbridge.DeleteEventBusInput{Name: aws.String("inner")})
	awstest.Must(t, err)
	_, err = c.ListArchives(ctx, &eventbridge.ListArchivesInput{})
	awstest.Refused(t, err, "UnknownOperationException", "ListArchives")
}

func TestTheCLI(t *testing.T) {
	t.Parallel()
	w, endpoint := serve(t)
	run := awstest.CLI(t, endpoint, "events")
	run(":rule/books", "put-rule", "--name", "books", "--event-pattern", books)
	run(`"FailedEntryCount": 0`, "put-targets", "--rule", "books", "--targets", "Id=q,Arn="+queue)
	run(`"FailedEntryCount": 0`, "put-events", "--entries", `[{"Source": "shop", "DetailType": "Order", "Detail": "{\"kind\": \"book\"}"}]`)
	run(`"ENABLED"`, "list-rules")
	if got := w.Of(queue); len(got) != 1 || !strings.Contains(got[0], `"kind":"book"`) {
		t.Errorf("the queue got %q", got)
	}
}

func TestBoto3(t *testing.T) {
	t.Parallel()
	w, endpoint := serve(t)
	c := awstest.Boto3(t, `
import boto3, datetime, sys
c = boto3.client("events", endpoint_url=sys.argv[1])
c.put_rule(Name="all", EventPattern='{"source": [{"prefix": "sh"}]}')
c.put_targets(Rule="all", Targets=[{"Id": "t", "Arn": sys.argv[2], "InputPath": "$.time"}])
r = c.put_events(Entries=[{"Source": "shop", "DetailType": "d", "Detail": "{}", "Time": datetime.datetime(2026, 11, 23, 1, 2, 3, tzinfo=datetime.timezone.utc)}])
assert r["FailedEntryCount"] == 0, r
try:
    c.delete_rule(Name="all")
    raise SystemExit("a rule with targets was deleted")
except c.exceptions.ClientError as e:
    assert e.response["Error"]["Code"] == "ValidationException", e
`, endpoint, topic)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := strings.Join(w.Of(topic), " "); got != `"2026-11-23T01:02:03Z"` {
		t.Errorf("the topic got %q", got)
	}
}
