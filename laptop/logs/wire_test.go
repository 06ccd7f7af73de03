package logs

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
)

// served is a service behind HTTP, and a client of it.
func served(t *testing.T) (*Service, *sdk.Client, string) {
	t.Helper()
	s := open(t, t.TempDir())
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, sdk.NewFromConfig(aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("any", "any", "")}), server.URL
}

func wantsCode(t *testing.T, err error, code, text string) {
	t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != code || !strings.Contains(e.ErrorMessage(), text) {
		t.Errorf("the error is %v, want %s with %q", err, code, text)
	}
}

// TestAFunctionWritesLogsOfItsOwn, as the SDKs' users do.
func TestAFunctionWritesLogsOfItsOwn(t *testing.T) {
	t.Parallel()
	_, c, _ := served(t)
	ctx := t.Context()
	g, st := aws.String("my/own"), aws.String("a stream")
	_, err := c.CreateLogGroup(ctx, &sdk.CreateLogGroupInput{LogGroupName: g, Tags: map[string]string{"a": "b"}})
	must(t, err)
	_, err = c.CreateLogGroup(ctx, &sdk.CreateLogGroupInput{LogGroupName: g})
	var exists *types.ResourceAlreadyExistsException
	if !errors.As(err, &exists) {
		t.Errorf("a second group of the name: %v", err)
	}
	_, err = c.CreateLogStream(ctx, &sdk.CreateLogStreamInput{LogGroupName: g, LogStreamName: st})
	must(t, err)
	now := time.Now().Truncate(time.Millisecond)
	at := func(d time.Duration) *int64 { return aws.Int64(now.Add(d).UnixMilli()) }
	put := func(events ...types.InputLogEvent) (*sdk.PutLogEventsOutput, error) {
		return c.PutLogEvents(ctx, &sdk.PutLogEventsInput{LogGroupName: g, LogStreamName: st, LogEvents: events})
	}
	day := 24 * time.Hour
	out, err := put(types.InputLogEvent{Timestamp: at(-15 * day), Message: aws.String("too old")},
		types.InputLogEvent{Timestamp: at(-time.Hour), Message: aws.String("one")},
		types.InputLogEvent{Timestamp: at(0), Message: aws.String("two\nlines")},
		types.InputLogEvent{Timestamp: at(3 * time.Hour), Message: aws.String("too new")})
	must(t, err)
	want := &types.RejectedLogEventsInfo{TooOldLogEventEndIndex: aws.Int32(1), TooNewLogEventStartIndex: aws.Int32(3)}
	if diff := cmp.Diff(want.TooOldLogEventEndIndex, out.RejectedLogEventsInfo.TooOldLogEventEndIndex); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want.TooNewLogEventStartIndex, out.RejectedLogEventsInfo.TooNewLogEventStartIndex); diff != "" {
		t.Error(diff)
	}
	_, err = put(types.InputLogEvent{Timestamp: at(0), Message: aws.String("b")}, types.InputLogEvent{Timestamp: at(-1), Message: aws.String("a")})
	wantsCode(t, err, "InvalidParameterException", "chronological order")
	_, err = put(types.InputLogEvent{Timestamp: at(-2 * day), Message: aws.String("a")}, types.InputLogEvent{Timestamp: at(0), Message: aws.String("b")})
	wantsCode(t, err, "InvalidParameterException", "24 hours")
	_, err = put(types.InputLogEvent{Timestamp: at(0), Message: aws.String(strings.Repeat("x", 1<<20))})
	wantsCode(t, err, "InvalidParameterException", "Upload too large")

	filtered, err := c.FilterLogEvents(ctx, &sdk.FilterLogEventsInput{LogGroupIdentifier: aws.String("arn:aws:logs:us-east-1:000000000000:log-group:my/own")})
	must(t, err)
	if len(filtered.Events) != 2 || *filtered.Events[1].Message != "two\nlines" || *filtered.Events[1].Timestamp != now.UnixMilli() ||
		*filtered.Events[1].IngestionTime < now.UnixMilli() || *filtered.Events[0].LogStreamName != "a stream" {
		t.Errorf("found %+v", filtered.Events)
	}
	tags, err := c.ListTagsForResource(ctx, &sdk.ListTagsForResourceInput{ResourceArn: aws.String("arn:aws:logs:us-east-1:000000000000:log-group:my/own")})
	must(t, err)
	if diff := cmp.Diff(map[string]string{"a": "b"}, tags.Tags); diff != "" {
		t.Error(diff)
	}
	_, err = c.PutRetentionPolicy(ctx, &sdk.PutRetentionPolicyInput{LogGroupName: g, RetentionInDays: aws.Int32(1)})
	must(t, err)
	groups, err := c.DescribeLogGroups(ctx, &sdk.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String("my/")})
	must(t, err)
	if len(groups.LogGroups) != 1 || *groups.LogGroups[0].RetentionInDays != 1 || *groups.LogGroups[0].StoredBytes == 0 ||
		*groups.LogGroups[0].Arn != "arn:aws:logs:us-east-1:000000000000:log-group:my/own:*" {
		t.Errorf("groups %+v", groups.LogGroups)
	}
	_, err = c.DeleteLogStream(ctx, &sdk.DeleteLogStreamInput{LogGroupName: g, LogStreamName: st})
	must(t, err)
	_, err = put(types.InputLogEvent{Timestamp: at(0), Message: aws.String("x")})
	wantsCode(t, err, "ResourceNotFoundException", "log stream")
	_, err = c.DeleteLogGroup(ctx, &sdk.DeleteLogGroupInput{LogGroupName: g})
	must(t, err)
	_, err = c.CreateLogStream(ctx, &sdk.CreateLogStreamInput{LogGroupName: g, LogStreamName: st})
	wantsCode(t, err, "ResourceNotFoundException", "log group")
}

// TestAStreamIsReadInBothDirections, and followed.
func TestAStreamIsReadInBothDirections(t *testing.T) {
	t.Parallel()
	s, c, _ := served(t)
	w := s.OpenStream(hello, "s")
	start := time.Now().Truncate(time.Millisecond)
	add := func(i int) {
		w.Append(start.Add(time.Duration(i)*time.Millisecond), []byte{byte('a' + i)})
		w.Commit()
	}
	get := func(in sdk.GetLogEventsInput) (string, *sdk.GetLogEventsOutput) {
		t.Helper()
		in.LogGroupName, in.LogStreamName = aws.String(hello), aws.String("s")
		out, err := c.GetLogEvents(t.Context(), &in)
		must(t, err)
		text := ""
		for _, e := range out.Events {
			text += strings.TrimSpace(*e.Message)
		}
		return text, out
	}
	expect := func(want string, in sdk.GetLogEventsInput) *sdk.GetLogEventsOutput {
		t.Helper()
		got, out := get(in)
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		return out
	}
	empty := expect("", sdk.GetLogEventsInput{})
	for i := range 10 {
		add(i)
	}
	expect("abcdefghij", sdk.GetLogEventsInput{NextToken: empty.NextForwardToken})
	two := aws.Int32(2)
	last := expect("ij", sdk.GetLogEventsInput{Limit: two})
	before := expect("gh", sdk.GetLogEventsInput{Limit: two, NextToken: last.NextBackwardToken})
	expect("ij", sdk.GetLogEventsInput{Limit: two, NextToken: before.NextForwardToken})
	first := expect("ab", sdk.GetLogEventsInput{Limit: two, StartFromHead: aws.Bool(true)})
	expect("cd", sdk.GetLogEventsInput{Limit: two, StartFromHead: aws.Bool(true), NextToken: first.NextForwardToken})
	head := expect("", sdk.GetLogEventsInput{NextToken: first.NextBackwardToken})
	if *head.NextBackwardToken != *first.NextBackwardToken {
		t.Errorf("at the head the token is %s, was %s", *head.NextBackwardToken, *first.NextBackwardToken)
	}
	expect("ab", sdk.GetLogEventsInput{Limit: two, NextToken: head.NextForwardToken})
	end := expect("", sdk.GetLogEventsInput{NextToken: last.NextForwardToken})
	if *end.NextForwardToken != *last.NextForwardToken {
		t.Errorf("at the end the token is %s, was %s", *end.NextForwardToken, *last.NextForwardToken)
	}
	add(10)
	expect("k", sdk.GetLogEventsInput{NextToken: end.NextForwardToken})
	expect("cd", sdk.GetLogEventsInput{StartTime: aws.Int64(start.UnixMilli() + 2), EndTime: aws.Int64(start.UnixMilli() + 4)})

	for token, text := range map[string]string{"x": "nextToken", "f/1/s": "nextToken"} {
		_, err := c.GetLogEvents(t.Context(), &sdk.GetLogEventsInput{LogGroupName: aws.String(hello), LogStreamName: aws.String("s"), NextToken: &token})
		wantsCode(t, err, "InvalidParameterException", text)
	}
	_, err := c.GetLogEvents(t.Context(), &sdk.GetLogEventsInput{LogGroupName: aws.String(hello), LogStreamName: aws.String("other")})
	wantsCode(t, err, "ResourceNotFoundException", "The specified log stream does not exist.")
}

func TestStreamsAreDescribed(t *testing.T) {
	t.Parallel()
	s, c, _ := served(t)
	start := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	var names []string
	for i := range 60 {
		name := string([]byte{'a' + byte(i/26), 'a' + byte(i%26)})
		names = append(names, name)
		w := s.OpenStream(hello, name)
		w.Append(start.Add(time.Duration(100-i)*time.Second), []byte("x"))
		w.Append(start.Add(time.Duration(200-i)*time.Second), []byte("y"))
		w.Close()
	}
	var got []string
	pages := sdk.NewDescribeLogStreamsPaginator(c, &sdk.DescribeLogStreamsInput{LogGroupName: aws.String(hello)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		must(t, err)
		for _, st := range page.LogStreams {
			got = append(got, *st.LogStreamName)
		}
	}
	if diff := cmp.Diff(names, got); diff != "" {
		t.Error(diff)
	}
	latest, err := c.DescribeLogStreams(t.Context(), &sdk.DescribeLogStreamsInput{LogGroupName: aws.String(hello),
		OrderBy: types.OrderByLastEventTime, Descending: aws.Bool(true), Limit: aws.Int32(1)})
	must(t, err)
	st := latest.LogStreams[0]
	if *st.LogStreamName != "aa" || *st.FirstEventTimestamp != start.Add(100*time.Second).UnixMilli() ||
		*st.LastEventTimestamp != start.Add(200*time.Second).UnixMilli() ||
		*st.Arn != "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/hello:log-stream:aa" {
		t.Errorf("the latest is %+v", st)
	}
	_, err = c.DescribeLogStreams(t.Context(), &sdk.DescribeLogStreamsInput{LogGroupName: aws.String(hello),
		OrderBy: types.OrderByLastEventTime, LogStreamNamePrefix: aws.String("a")})
	wantsCode(t, err, "InvalidParameterException", "Cannot order by LastEventTime")
}

// TestRefusals: what is wrong or not there is refused by its name.
func TestRefusals(t *testing.T) {
	t.Parallel()
	s, _, url := served(t)
	must(t, s.CreateLogGroup(GroupInput{Name: "g"}))
	f := func(action, body, code, text string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
		must(t, err)
		r.Header.Set("X-Amz-Target", "Logs_20140328."+action)
		response, err := http.DefaultClient.Do(r)
		must(t, err)
		defer response.Body.Close()
		var answer struct {
			Type    string `json:"__type"`
			Message string `json:"message"`
		}
		must(t, json.NewDecoder(response.Body).Decode(&answer))
		if response.StatusCode != 400 || answer.Type != code || !strings.Contains(answer.Message, text) {
			t.Errorf("%s %s: %d %+v, want %s with %q", action, body, response.StatusCode, answer, code, text)
		}
	}
	const wrong = "InvalidParameterException"
	f("StartQuery", `{}`, "UnknownOperationException", "StartQuery: on this machine CloudWatch Logs knows CreateLogGroup,")
	f("CreateLogGroup", `{"logGroupName": "a b"}`, wrong, `logGroupName "a b"`)
	f("CreateLogGroup", `{"logGroupName": "h", "kmsKeyId": "k"}`, wrong, "kmsKeyId is not supported")
	f("CreateLogGroup", `{"logGroupName": "h", "logGroupClass": "INFREQUENT_ACCESS"}`, wrong, "INFREQUENT_ACCESS is not supported")
	f("CreateLogStream", `{"logGroupName": "g", "logStreamName": "a:b"}`, wrong, `logStreamName "a:b"`)
	f("PutRetentionPolicy", `{"logGroupName": "g", "retentionInDays": 0}`, wrong, "retentionInDays 0")
	f("FilterLogEvents", `{}`, wrong, "logGroupName and logGroupIdentifier")
	f("FilterLogEvents", `{"logGroupName": "g", "logGroupIdentifier": "g"}`, wrong, "logGroupName and logGroupIdentifier")
	f("FilterLogEvents", `{"logGroupIdentifier": "arn:aws:logs:us-east-1:000000000000:log-group:g:*"}`, wrong, "must not end in :*")
	f("FilterLogEvents", `{"logGroupName": "h"}`, "ResourceNotFoundException", "The specified log group does not exist.")
	f("FilterLogEvents", `{"logGroupName": "g", "filterPattern": "a.b"}`, wrong, "Invalid character(s) in term 'a.b'")
	f("FilterLogEvents", `{"logGroupName": "g", "limit": 10001}`, wrong, "limit 10001: 1 to 10000")
	f("FilterLogEvents", `{"logGroupName": "g", "limit": 0}`, wrong, "limit 0: 1 to 10000")
	f("FilterLogEvents", `{"logGroupName": "g", "nextToken": "x"}`, wrong, "nextToken")
	f("FilterLogEvents", `{"logGroupName": "g", "logStreamNames": ["a"], "logStreamNamePrefix": "b"}`, wrong, "exclude each other")
	f("FilterLogEvents", `{"logGroupName": "g", "startTime": 2, "endTime": 1}`, wrong, "startTime 2 is after endTime 1")
	f("FilterLogEvents", `{"logGroupName": "g", "startFromHead": false}`, wrong, "2024-01-01")
	f("FilterLogEvents", `{"logGroupName": 7}`, "SerializationException", "logGroupName")
	f("FilterLogEvents", `{`, "SerializationException", "not JSON")
	f("DescribeLogGroups", `{"limit": 51}`, wrong, "limit 51: 1 to 50")
	f("DescribeLogGroups", `{"logGroupNamePrefix": "a", "logGroupNamePattern": "b"}`, wrong, "exclude each other")
	f("StartLiveTail", `{"logGroupIdentifiers": ["a"]}`, "UnknownOperationException", "aws logs tail --follow")
	f("DescribeLogGroups", `{"includeLinkedAccounts": true}`, wrong, "includeLinkedAccounts is not supported")
}
