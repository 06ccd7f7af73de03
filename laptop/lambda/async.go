package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/state"
)

// maxDepth is how many destinations one event may lead to, one after the other. See
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
const maxDepth = 16

// InvokeAsync queues an event for a function and returns the request ID under which the function
// will see it. The event is durable then. It is given to the function until that succeeds, at most
// three times, and until it is six hours old, or as PutEventInvokeConfig says. LogTail is of no
// meaning. See https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
func (s *Service) InvokeAsync(_ context.Context, in InvokeInput) (requestID string, err error) {
	fam, qualifier, err := s.family(in.Function)
	if err != nil {
		return "", err
	}
	if s.closed() {
		return "", errClosing()
	}
	to, err := fam.resolve(qualifier)
	if err != nil {
		return "", err
	}
	if !in.allowed(to.policy) {
		return "", errDenied(in.Principal, to.arn)
	}
	if err := checkTenant(to.pool.isolated, fam.name, in.TenantID); err != nil {
		return "", err
	}
	if len(in.Payload) > maxEvent {
		return "", &awsproto.Error{Code: "RequestTooLargeException", Status: http.StatusRequestEntityTooLarge,
			Message: fmt.Sprintf("%d byte payload is too large for the Event invocation type (limit %d bytes)", len(in.Payload), maxEvent)}
	}
	e := queuedEvent{RequestID: awsproto.NewID(), Function: fam.name, Qualifier: qualifier, Payload: in.Payload,
		ClientContext: in.ClientContext, TraceID: in.TraceID, TenantID: in.TenantID, Cognito: in.Cognito, Accepted: time.Now()}
	if len(e.Payload) == 0 {
		e.Payload = []byte("{}")
	}
	e.NotBefore = e.Accepted
	return e.RequestID, s.queue.accept(e)
}

// attempt gives an event to its function and decides what becomes of it.
func (q *queue) attempt(w waitingEvent) verdict {
	s := q.service
	later := verdict{again: true, due: time.Now().Add(q.service.cfg.backOff)}
	e, err := q.read(w.file)
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		return later // it is not the file's fault
	}
	if err != nil {
		s.setAside("an asynchronous invocation", q.path(w.file), err)
		return verdict{}
	}
	name := withQualifier(e.Function, e.Qualifier)
	fam, _, err := s.family(name)
	if err != nil {
		return q.end(w, e, ending{condition: "the function is gone", err: err})
	}
	config, _ := fam.record().eventInvoke(e.Qualifier)
	expired := func(after time.Duration) bool { return time.Since(e.Accepted)+after > config.age() }
	if expired(0) {
		return q.end(w, e, ending{condition: "EventAgeExceeded", config: config})
	}
	out, err := s.Invoke(q.invocations(), InvokeInput{Function: name, Payload: e.Payload, ClientContext: e.ClientContext,
		TraceID: e.TraceID, TenantID: e.TenantID, Cognito: e.Cognito, requestID: e.RequestID})
	switch failed := out.FunctionError != ""; {
	case q.ctx.Err() != nil && (err != nil || failed):
		return later // perhaps it was cut off: the next start tries again
	case err != nil && awsproto.From(err).Code == "ResourceNotFoundException":
		return q.end(w, e, ending{condition: "the function is gone", err: err})
	case err != nil && awsproto.From(err).Code == "InvalidParameterValueException": // a tenant too much or too few
		return q.end(w, e, ending{condition: "the function was made anew with another tenancy", err: err})
	case err != nil:
		if r := fam.reservation(); r != nil && *r == 0 {
			return q.end(w, e, ending{condition: "ZeroReservedConcurrency", config: config})
		}
		if expired(0) {
			return q.end(w, e, ending{condition: "EventAgeExceeded", config: config})
		}
		return verdict{throttled: true, again: true, due: w.due}
	case !failed:
		e.Attempts++
		return q.end(w, e, ending{condition: "Success", config: config, output: &out})
	}
	e.Attempts++
	if e.Attempts > config.retries() {
		return q.end(w, e, ending{condition: "RetriesExhausted", config: config, output: &out})
	}
	delay := s.cfg.retryDelays[e.Attempts-1]
	if expired(delay) {
		return q.end(w, e, ending{condition: "EventAgeExceeded", config: config, output: &out})
	}
	e.NotBefore = time.Now().Add(delay)
	if err := state.Save(q.path(w.file), e); err != nil {
		s.cfg.Events(EventProblem{Function: name, RequestID: e.RequestID, Attempts: e.Attempts, Err: err,
			Condition: "an attempt cannot be counted, and will be made once more"})
	}
	return verdict{again: true, due: e.NotBefore}
}

// invocations is the context of attempts: what has begun is not cut off, but by Close.
func (q *queue) invocations() context.Context { return context.WithoutCancel(q.ctx) }

// ending is how the attempts at an event have ended.
type ending struct {
	condition string
	config    EventInvokeConfig
	output    *InvokeOutput // of the last attempt; nil if the function has not answered
	err       error         // why the event could not be given to the function at all
}

// end tells the destination, if there is one, and forgets the event, in this order: a crash in
// between tells the destination twice.
func (q *queue) end(w waitingEvent, e queuedEvent, end ending) verdict {
	s := q.service
	name := withQualifier(e.Function, e.Qualifier)
	problem := EventProblem{Function: name, RequestID: e.RequestID, Condition: end.condition, Attempts: e.Attempts, Err: end.err}
	to := end.config.OnFailure
	if end.condition == "Success" {
		to = end.config.OnSuccess
	}
	switch {
	case to != "":
		if err := q.tell(to, e, end); err != nil {
			problem.Err = err
			s.cfg.Events(problem)
		}
	case end.condition != "Success":
		s.cfg.Events(problem)
	}
	if err := os.Remove(q.path(w.file)); err != nil {
		problem.Condition, problem.Err = "it is over, but would come again after a restart", err
		s.cfg.Events(problem)
	}
	return verdict{}
}

// destinationRecord is what a destination gets, version 1.0, as in
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
type destinationRecord struct {
	Version   string         `json:"version"`
	Timestamp string         `json:"timestamp"`
	Request   requestContext `json:"requestContext"`
	Payload   any            `json:"requestPayload"`
	// Of an invocation that never was there is no response.
	Response        *responseContext `json:"responseContext,omitempty"`
	ResponsePayload any              `json:"responsePayload,omitempty"`
}

type requestContext struct {
	RequestID   string `json:"requestId"`
	FunctionARN string `json:"functionArn"`
	Condition   string `json:"condition"`
	Attempts    int    `json:"approximateInvokeCount"`
}

type responseContext struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError,omitempty"`
}

// tell queues the record of an event for the function to.
func (q *queue) tell(to string, e queuedEvent, end ending) error {
	if e.Depth >= maxDepth {
		return fmt.Errorf("telling %s: the event has come through %d destinations: destinations that lead in a circle are stopped", to, e.Depth)
	}
	version := e.Qualifier
	if version == "" {
		version = latest
	}
	r := destinationRecord{Version: "1.0", Timestamp: time.Now().UTC().Format(timestamp), Payload: embed(e.Payload),
		Request: requestContext{RequestID: e.RequestID, FunctionARN: q.service.arn(e.Function + ":" + version), Condition: end.condition, Attempts: e.Attempts}}
	if out := end.output; out != nil {
		r.Request.FunctionARN = q.service.arn(e.Function + ":" + out.ExecutedVersion)
		r.Response = &responseContext{StatusCode: http.StatusOK, ExecutedVersion: out.ExecutedVersion, FunctionError: out.FunctionError}
		r.ResponsePayload = embed(out.Payload)
	}
	payload, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("telling %s: %w", to, err)
	}
	if len(payload) > maxEvent {
		return fmt.Errorf("telling %s: the record has %d bytes; an event may have %d", to, len(payload), maxEvent)
	}
	fam, qualifier, err := q.service.family(to)
	if err != nil {
		return fmt.Errorf("telling %s: %w", to, err)
	}
	if err := fam.record().notWithTenants("A destination, whose record has no tenant,"); err != nil {
		return fmt.Errorf("telling %s: %w", to, err)
	}
	now := time.Now()
	err = q.accept(queuedEvent{RequestID: awsproto.NewID(), Function: fam.name, Qualifier: qualifier, Payload: payload,
		Accepted: now, NotBefore: now, Depth: e.Depth + 1})
	if err != nil {
		return fmt.Errorf("telling %s: %w", to, err)
	}
	return nil
}

// embed is a payload as a part of a record: itself, or text where it is not JSON.
func embed(payload []byte) any {
	if len(payload) == 0 {
		return nil
	}
	if json.Valid(payload) {
		return json.RawMessage(payload)
	}
	return string(payload)
}
