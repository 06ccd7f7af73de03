package lambda

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/state"
)

// makeSink makes a function that keeps its events, and fails with a message unless that is empty. The
// result reads the events of so far, the oldest first.
func makeSink(t *testing.T, s *Service, name, failure string, edit ...func(*FunctionInput)) func() (events, ids []string) {
	t.Helper()
	dir := t.TempDir()
	create(t, s, hello(t, append([]func(*FunctionInput){func(in *FunctionInput) {
		in.Name, in.Environment = name, map[string]string{"SINK": dir, "FAIL": failure}
	}}, edit...)...))
	return func() (events, ids []string) {
		t.Helper()
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if filepath.Ext(f.Name()) != "" {
				continue
			}
			data, err := os.ReadFile(filepath.Join(dir, f.Name()))
			if err != nil {
				t.Fatal(err)
			}
			_, id, _ := strings.Cut(f.Name(), "-")
			events, ids = append(events, string(data)), append(ids, id)
		}
		return events, ids
	}
}

// soon is a Config whose retries do not take minutes.
func soon(cfg Config) Config {
	cfg.retryDelays = [maxRetries]time.Duration{time.Millisecond, 2 * time.Millisecond}
	cfg.backOff = time.Millisecond
	return cfg
}

func queued(s *Service) int {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return s.queue.count
}

// done waits until nothing is queued, neither in memory nor on disk.
func done(t *testing.T, s *Service) {
	t.Helper()
	eventually(t, "an empty queue", func() bool { return queued(s) == 0 })
	if files, err := os.ReadDir(s.queue.dir); err != nil || len(files) > 0 {
		t.Errorf("%d events are left on disk, %v", len(files), err)
	}
}

// tellTo makes told the destination of function for both endings.
func tellTo(t *testing.T, s *Service, function, told string) {
	t.Helper()
	if _, err := s.PutEventInvokeConfig(t.Context(), function, EventInvokeConfig{OnSuccess: s.arn(told), OnFailure: s.arn(told)}); err != nil {
		t.Fatal(err)
	}
}

func TestEventInvocation(t *testing.T) {
	t.Parallel()
	s := open(t, soon(Config{}))
	kept := makeSink(t, s, "kept", "")
	told := makeSink(t, s, "told", "")
	tellTo(t, s, "kept", "told")
	c, _ := client(t, s)
	out, err := c.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String("kept"), InvocationType: types.InvocationTypeEvent, Payload: []byte(`{"n": 1}`)})
	if err != nil || out.StatusCode != 202 || len(out.Payload) != 0 {
		t.Fatalf("%+v %v", out, err)
	}
	eventually(t, "the record", func() bool { e, _ := told(); return len(e) == 1 })
	done(t, s)
	events, ids := kept()
	if len(events) != 1 || events[0] != `{"n": 1}` {
		t.Errorf("it was given %q", events)
	}
	records, _ := told()
	var got map[string]any
	if err := json.Unmarshal([]byte(records[0]), &got); err != nil {
		t.Fatal(err)
	}
	if _, err := time.Parse("2006-01-02T15:04:05.000Z", got["timestamp"].(string)); err != nil {
		t.Error(err)
	}
	delete(got, "timestamp")
	want := map[string]any{
		"version": "1.0",
		"requestContext": map[string]any{"requestId": ids[0], "functionArn": s.arn("kept:$LATEST"),
			"condition": "Success", "approximateInvokeCount": 1.0},
		"requestPayload":  map[string]any{"n": 1.0},
		"responseContext": map[string]any{"statusCode": 200.0, "executedVersion": "$LATEST"},
		"responsePayload": "kept",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestRetries: three attempts under one request ID, and then the destination.
func TestRetries(t *testing.T) {
	t.Parallel()
	s := open(t, soon(Config{}))
	failing := makeSink(t, s, "failing", "no luck")
	told := makeSink(t, s, "told", "")
	tellTo(t, s, "failing", "told")
	id, err := s.InvokeAsync(t.Context(), InvokeInput{Function: "failing", Payload: []byte(`"x"`)})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the record", func() bool { e, _ := told(); return len(e) == 1 })
	done(t, s)
	if _, ids := failing(); !slices.Equal(ids, []string{id, id, id}) {
		t.Errorf("attempts %v, want three of %s", ids, id)
	}
	records, _ := told()
	for _, want := range []string{`"condition":"RetriesExhausted"`, `"approximateInvokeCount":3`, `"functionError":"Unhandled"`, `"errorMessage":"no luck"`, `"requestPayload":"x"`} {
		if !strings.Contains(records[0], want) {
			t.Errorf("no %s in %s", want, records[0])
		}
	}
	// A version of its own configuration: no retries there.
	publish(t, s, "failing")
	if _, err := s.PutEventInvokeConfig(t.Context(), "failing:1", EventInvokeConfig{MaximumRetryAttempts: new(0)}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.InvokeAsync(t.Context(), InvokeInput{Function: "failing:1"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "its only attempt", func() bool { _, ids := failing(); return len(ids) == 4 })
	done(t, s)
	if _, ids := failing(); len(ids) != 4 {
		t.Errorf("%d attempts, want one more than three", len(ids))
	}
}

// TestEventsOutliveTheService: what was accepted is done by the next one.
func TestEventsOutliveTheService(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, Config{Dir: dir}) // retries after a minute: those are for the next service
	failing := makeSink(t, s, "failing", "no luck")
	told := makeSink(t, s, "told", "")
	tellTo(t, s, "failing", "told")
	if _, err := s.InvokeAsync(t.Context(), InvokeInput{Function: "failing", Payload: []byte(`{"kept":true}`)}); err != nil {
		t.Fatal(err)
	}
	var e queuedEvent
	eventually(t, "the first attempt's record", func() bool {
		files, err := filepath.Glob(filepath.Join(s.queue.dir, "*.json"))
		return err == nil && len(files) == 1 && state.Load(files[0], &e) == nil && e.Attempts == 1
	})
	if wait := time.Until(e.NotBefore); wait <= 0 || wait > time.Minute {
		t.Errorf("the next attempt is %v away, want a minute", wait)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	// As if that minute had gone by.
	files, err := filepath.Glob(filepath.Join(s.queue.dir, "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	e.NotBefore = e.Accepted
	if err := state.Save(files[0], e); err != nil {
		t.Fatal(err)
	}
	s = open(t, soon(Config{Dir: dir}))
	eventually(t, "the record", func() bool { r, _ := told(); return len(r) == 1 })
	done(t, s)
	if _, ids := failing(); !slices.Equal(ids, []string{e.RequestID, e.RequestID, e.RequestID}) {
		t.Errorf("attempts %v, want three of %s", ids, e.RequestID)
	}
}

// TestThrottledEvents wait until there is room, however many they are.
func TestThrottledEvents(t *testing.T) {
	t.Parallel()
	s := open(t, soon(Config{requestRate: 1e6}))
	kept := makeSink(t, s, "kept", "", func(in *FunctionInput) { in.ReservedConcurrency = new(1) })
	const n = 50
	for range n {
		if _, err := s.InvokeAsync(t.Context(), InvokeInput{Function: "kept"}); err != nil {
			t.Fatal(err)
		}
	}
	done(t, s)
	_, ids := kept()
	slices.Sort(ids)
	if got := len(slices.Compact(ids)); got != n {
		t.Errorf("%d of %d events have come", got, n)
	}
	if got := stats(t, s, "kept"); got.Invocations != n || got.Peak != 1 {
		t.Errorf("counted %+v", got)
	}
}

func TestEventsThatCannotBe(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	s := open(t, soon(Config{Events: r.add, queueLimit: 1}))
	told := makeSink(t, s, "told", "")
	makeSink(t, s, "closed", "", func(in *FunctionInput) { in.ReservedConcurrency = new(0) })
	tellTo(t, s, "closed", "told")
	if _, err := s.InvokeAsync(t.Context(), InvokeInput{Function: "closed"}); err != nil {
		t.Fatal(err)
	}
	// The queue has room for one, which is still in it: nobody can be told.
	eventually(t, "the problem", func() bool { return len(eventsOf[EventProblem](r)) == 1 })
	done(t, s)
	if got := eventsOf[EventProblem](r)[0]; got.Condition != "ZeroReservedConcurrency" || got.Attempts != 0 || got.Err == nil {
		t.Errorf("%+v", got)
	}
	s.queue.mu.Lock()
	s.cfg.queueLimit = 10
	s.queue.mu.Unlock()
	if _, err := s.InvokeAsync(t.Context(), InvokeInput{Function: "closed"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the record", func() bool { e, _ := told(); return len(e) == 1 })
	done(t, s)
	if records, _ := told(); !strings.Contains(records[0], `"ZeroReservedConcurrency"`) || strings.Contains(records[0], "response") {
		t.Errorf("told %s", records[0])
	}

	f := func(function string, payload []byte, code string) {
		t.Helper()
		if _, err := s.InvokeAsync(t.Context(), InvokeInput{Function: function, Payload: payload}); err == nil || awsproto.From(err).Code != code {
			t.Errorf("%s: %v, want %s", function, err, code)
		}
	}
	f("none", nil, "ResourceNotFoundException")
	f("told:9", nil, "ResourceNotFoundException")
	f("told", make([]byte, maxEvent+1), "RequestTooLargeException")
	s.queue.mu.Lock()
	s.cfg.queueLimit = 0
	s.queue.mu.Unlock()
	f("told", nil, "TooManyRequestsException")
}

// TestOldEvents are given up, whether they have failed or never had a chance.
func TestOldEvents(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	kept := makeSink(t, s, "kept", "")
	failing := makeSink(t, s, "failing", "no luck")
	told := makeSink(t, s, "told", "")
	for _, name := range []string{"kept", "failing"} {
		if _, err := s.PutEventInvokeConfig(t.Context(), name, EventInvokeConfig{MaximumEventAge: time.Minute, OnFailure: s.arn("told")}); err != nil {
			t.Fatal(err)
		}
	}
	long := time.Now().Add(-2 * time.Minute)
	if err := s.queue.accept(queuedEvent{RequestID: "old", Function: "kept", Payload: []byte(`1`), Accepted: long, NotBefore: long}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the record", func() bool { e, _ := told(); return len(e) == 1 })
	if events, _ := kept(); len(events) != 0 {
		t.Errorf("it was given %v", events)
	}
	if records, _ := told(); !strings.Contains(records[0], `"condition":"EventAgeExceeded"`) || !strings.Contains(records[0], `"approximateInvokeCount":0`) {
		t.Errorf("told %s", records[0])
	}
	// In a minute, when it would be tried again, it would be too old.
	if _, err := s.InvokeAsync(t.Context(), InvokeInput{Function: "failing"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the record", func() bool { e, _ := told(); return len(e) == 2 })
	if records, _ := told(); !strings.Contains(records[1], `"condition":"EventAgeExceeded"`) || !strings.Contains(records[1], "no luck") {
		t.Errorf("told %s", records[1])
	}
	if _, ids := failing(); len(ids) != 1 {
		t.Errorf("%d attempts", len(ids))
	}
	done(t, s)
}

// TestDestinationsInACircle end.
func TestDestinationsInACircle(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	s := open(t, soon(Config{Events: r.add}))
	ping := makeSink(t, s, "ping", "")
	pong := makeSink(t, s, "pong", "")
	for from, to := range map[string]string{"ping": "pong", "pong": "ping"} {
		tellTo(t, s, from, to)
	}
	if _, err := s.InvokeAsync(t.Context(), InvokeInput{Function: "ping"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end", func() bool { return len(eventsOf[EventProblem](r)) == 1 })
	done(t, s)
	pings, _ := ping()
	pongs, _ := pong()
	if len(pings)+len(pongs) != maxDepth+1 {
		t.Errorf("%d events, want %d", len(pings)+len(pongs), maxDepth+1)
	}
}

// TestDeletedFunctionsEvents are told.
func TestDeletedFunctionsEvents(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	s := open(t, Config{Events: r.add})
	past := time.Now()
	if err := s.queue.accept(queuedEvent{RequestID: "r", Function: "gone", Payload: []byte(`1`), Accepted: past, NotBefore: past}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the problem", func() bool { return len(eventsOf[EventProblem](r)) == 1 })
	done(t, s)
}

func TestEventInvokeConfigOverTheWire(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t))
	create(t, s, hello(t, func(in *FunctionInput) { in.Name = "told" }))
	publish(t, s, "hello")
	c, url := client(t, s)
	ctx, name := t.Context(), aws.String("hello")
	put, err := c.PutFunctionEventInvokeConfig(ctx, &sdk.PutFunctionEventInvokeConfigInput{FunctionName: name, MaximumRetryAttempts: aws.Int32(0), MaximumEventAgeInSeconds: aws.Int32(60)})
	if err != nil || *put.FunctionArn != s.arn("hello:$LATEST") || put.LastModified.IsZero() {
		t.Fatalf("%+v %v", put, err)
	}
	if _, err := c.UpdateFunctionEventInvokeConfig(ctx, &sdk.UpdateFunctionEventInvokeConfigInput{FunctionName: name,
		DestinationConfig: &types.DestinationConfig{OnSuccess: &types.OnSuccess{Destination: aws.String(s.arn("told"))}}}); err != nil {
		t.Fatal(err)
	}
	got, err := c.GetFunctionEventInvokeConfig(ctx, &sdk.GetFunctionEventInvokeConfigInput{FunctionName: name})
	if err != nil || *got.MaximumRetryAttempts != 0 || *got.MaximumEventAgeInSeconds != 60 || *got.DestinationConfig.OnSuccess.Destination != s.arn("told") {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := c.PutFunctionEventInvokeConfig(ctx, &sdk.PutFunctionEventInvokeConfigInput{FunctionName: name, Qualifier: aws.String("1"), MaximumRetryAttempts: aws.Int32(1)}); err != nil {
		t.Fatal(err)
	}
	list, err := c.ListFunctionEventInvokeConfigs(ctx, &sdk.ListFunctionEventInvokeConfigsInput{FunctionName: name})
	if err != nil || len(list.FunctionEventInvokeConfigs) != 2 {
		t.Errorf("%+v %v", list, err)
	}
	if _, err := c.DeleteFunctionEventInvokeConfig(ctx, &sdk.DeleteFunctionEventInvokeConfigInput{FunctionName: name}); err != nil {
		t.Error(err)
	}
	_, err = c.GetFunctionEventInvokeConfig(ctx, &sdk.GetFunctionEventInvokeConfigInput{FunctionName: name})
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok {
		t.Errorf("got %v", err)
	}
	for what, in := range map[string]sdk.PutFunctionEventInvokeConfigInput{
		"a destination is a function": {DestinationConfig: &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: aws.String("arn:aws:sqs:us-east-1:000000000000:q")}}},
		"There is no such function":   {DestinationConfig: &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: aws.String(s.arn("nobody"))}}},
		"for itself":                  {DestinationConfig: &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: aws.String(s.arn("hello"))}}},
		"this account":                {DestinationConfig: &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: aws.String("arn:aws:lambda:us-east-1:111111111111:function:f")}}},
		"0 to 2":                      {MaximumRetryAttempts: aws.Int32(3)},
		"60 to 21600":                 {MaximumEventAgeInSeconds: aws.Int32(59)},
		"at least one":                {},
	} {
		in.FunctionName = name
		if _, err := c.PutFunctionEventInvokeConfig(ctx, &in); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("got %v, want %q", err, what)
		}
	}
	// InvokeAsync, which the SDK calls deprecated.
	resp, err := http.Post(url+"/2014-11-13/functions/hello/invoke-async", "application/json", strings.NewReader(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		t.Errorf("InvokeAsync: %s", resp.Status)
	}
	done(t, s)
}
