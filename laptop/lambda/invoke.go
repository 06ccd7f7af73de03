package lambda

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// InvokeInput is one synchronous invocation.
type InvokeInput struct {
	// Function is a name, ARN or partial ARN, with or without a qualifier: a version or an alias.
	Function string
	// Payload is the event: JSON, at most 6 MB. It must not change until Invoke has returned.
	// Empty means {}.
	Payload []byte
	// Principal is the AWS service on whose behalf the function is called, e.g.
	// apigateway.amazonaws.com: the resource policy must allow it. Empty means a caller with
	// credentials of the account, who may.
	Principal string
	// URLAuthType is NONE or AWS_IAM where the call came through a function URL. With NONE the
	// resource policy must let everybody in; with AWS_IAM the caller has credentials of the account.
	URLAuthType string
	// SourceARN is what calls on behalf of Principal.
	SourceARN string
	// SourceAccount is whose it is, where the ARN does not say it, as a bucket's.
	SourceAccount string
	// ClientContext is JSON for the function's context, at most 3583 bytes in base64.
	ClientContext string
	// TraceID is an X-Ray trace header. Empty makes one up that is not sampled.
	TraceID string
	// LogTail asks for the end of the log. The answer then waits for the REPORT line, and so for
	// the extensions.
	LogTail bool
	// TenantID says for whom a function with tenant isolation works, which finds it in its context: one to
	// 256 of the characters a-z A-Z 0-9 . _ : / = + - @ and space. For any other function it is empty. See
	// https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation-invoke.html
	TenantID string
	// Cognito is the identity of a caller who came through Amazon Cognito. The zero value is none.
	Cognito CognitoIdentity

	requestID string // of an asynchronous invocation, the same in every attempt
}

// allowed says that the caller may invoke what has this policy.
func (in *InvokeInput) allowed(policy []Permission) bool {
	if in.URLAuthType == "NONE" {
		return allowsURL(policy, in.URLAuthType)
	}
	return in.Principal == "" || allows(policy, in.Principal, in.SourceARN, cmp.Or(accountOf(in.SourceARN), in.SourceAccount))
}

// CognitoIdentity is an identity and the pool that it is of.
type CognitoIdentity struct {
	IdentityID string `json:"cognitoIdentityId"`
	PoolID     string `json:"cognitoIdentityPoolId"`
}

// InvokeOutput is what a function answered.
type InvokeOutput struct {
	Payload []byte
	// FunctionError is empty after a success and "Unhandled" when Payload is an error object
	// ({"errorType": …, "errorMessage": …}).
	FunctionError string
	// ErrorType is what an error is called, e.g. Runtime.ExitError or what the runtime named it.
	ErrorType       string
	ExecutedVersion string // $LATEST, $LATEST.PUBLISHED or a number
	RequestID       string
	TraceID         string
	LogTail         []byte // the last 4 KB of the log, if asked for
}

// Invoke runs a function and returns as soon as it has answered. An error of the function is
// not Invoke's: see InvokeOutput.FunctionError. Invoke's errors are Lambda's, as in
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors, or ctx's; a
// function that has begun goes on when ctx is done.
func (s *Service) Invoke(ctx context.Context, in InvokeInput) (InvokeOutput, error) {
	return s.invoke(ctx, in, nil)
}

// invoke is Invoke, or InvokeStream when there is a stream.
func (s *Service) invoke(ctx context.Context, in InvokeInput, to ResponseStream) (InvokeOutput, error) {
	fam, qualifier, err := s.family(in.Function)
	if err != nil {
		return InvokeOutput{}, err
	}
	if s.closed() {
		return InvokeOutput{}, errClosing()
	}
	target, err := fam.resolve(qualifier)
	if err != nil {
		return InvokeOutput{}, err
	}
	f := target.pool
	if f.missing != nil {
		return InvokeOutput{}, f.errMissing()
	}
	if !in.allowed(target.policy) {
		return InvokeOutput{}, errDenied(in.Principal, target.arn)
	}
	if len(in.Payload) > maxRequest {
		return InvokeOutput{}, &awsproto.Error{Code: "RequestTooLargeException", Status: http.StatusRequestEntityTooLarge,
			Message: fmt.Sprintf("%d byte payload is too large for the RequestResponse invocation type (limit %d bytes)", len(in.Payload), maxRequest)}
	}
	if err := checkTenant(f.isolated, f.name, in.TenantID); err != nil {
		return InvokeOutput{}, err
	}
	leave, err := f.admit()
	if err != nil {
		return InvokeOutput{}, err
	}
	if f.isolated {
		pool, unused, err := f.ofTenant(in.TenantID)
		if err != nil {
			leave()
			return InvokeOutput{}, err
		}
		admitted := leave
		f, leave = pool, func() { admitted(); unused() }
	}
	inv := newInvocation(in, target.arn, leave)
	inv.version = f.version
	if to != nil {
		inv.stream = newStream()
	}
	// An idle environment may die between being taken and being given the event; each try
	// takes one that has died out of the pool.
	for {
		e, err := f.take(ctx, inv)
		if err != nil {
			leave()
			if failed, ok := errors.AsType[*initFailure](err); ok {
				return inv.output(failed.answer), nil
			}
			return InvokeOutput{}, err
		}
		if e.begin(inv) {
			break
		}
	}
	if to != nil {
		return inv.waitStream(ctx, to)
	}
	return inv.wait(ctx)
}

// invocation is one event on its way through an environment. What is below the line is guarded by
// the environment's mutex.
type invocation struct {
	id, arn, trace, clientContext string
	version                       string
	tenant                        string
	cognito                       CognitoIdentity
	payload                       []byte
	stream                        *stream // nil unless the answer is wanted as it comes
	leave                         func()  // gives back its place among the requests in flight
	answers                       chan answer
	ended                         chan struct{} // closed when the REPORT line is out; nil unless asked for
	tail                          []byte        // the log's, once ended is closed

	start, deadline time.Time
	timer           *time.Timer
	cold            bool
	state           runtimeState
	cut             *truncation // nil as long as nothing asks for it
	// What the Telemetry API tells of it, zero as long as nobody wants to know it.
	answerBegan, answerEnded, runtimeDone time.Time
	produced                              int64  // bytes of the answer
	answered                              bool   // the caller has its answer
	errorType                             string // of the answer, when it is an error
}

// answer is what the caller gets.
type answer struct {
	payload   []byte
	errorType string // empty when the function has succeeded
}

func newInvocation(in InvokeInput, arn string, leave func()) *invocation {
	inv := &invocation{
		id: awsproto.NewID(), arn: arn, trace: in.TraceID, clientContext: in.ClientContext,
		tenant: in.TenantID, cognito: in.Cognito, payload: in.Payload, leave: leave, answers: make(chan answer, 1), state: runtimeReady,
	}
	if in.requestID != "" {
		inv.id = in.requestID
	}
	if len(inv.payload) == 0 {
		inv.payload = []byte("{}")
	}
	if inv.trace == "" {
		inv.trace = unsampled(awsproto.NewTrace(time.Now()))
	}
	if in.LogTail {
		inv.ended = make(chan struct{})
	}
	return inv
}

func (inv *invocation) wait(ctx context.Context) (InvokeOutput, error) {
	select {
	case a := <-inv.answers:
		if inv.ended != nil {
			<-inv.ended // an environment ends every invocation within the function's timeout
		}
		return inv.output(a), nil
	case <-ctx.Done():
		return InvokeOutput{}, ctx.Err()
	}
}

func (inv *invocation) output(a answer) InvokeOutput {
	out := InvokeOutput{Payload: a.payload, ExecutedVersion: inv.version, RequestID: inv.id, TraceID: inv.trace, LogTail: inv.tail}
	if a.errorType != "" {
		out.FunctionError, out.ErrorType = "Unhandled", a.errorType
	}
	return out
}

// failure is an error of a function that Lambda itself reports, in the form in which its payload
// and its log lines name it.
type failure struct {
	kind    string // e.g. Runtime.ExitError
	message string // e.g. Runtime exited with error: exit status 1
	body    []byte // what the runtime itself said of it, which goes to the caller instead
	// reported is what the REPORT line calls it, if that is not kind: Runtime.OutOfMemory is a
	// Runtime.ExitError to the caller.
	reported string
}

// answer is the payload: {"errorType":"Runtime.ExitError","errorMessage":"RequestId: … Error: …"}.
func (f failure) answer(requestID string) answer {
	if f.body != nil {
		return answer{payload: f.body, errorType: f.kind}
	}
	payload, err := json.Marshal(struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}{f.kind, "RequestId: " + requestID + " Error: " + f.message})
	if err != nil {
		panic(err) // two strings always marshal
	}
	return answer{payload: payload, errorType: f.kind}
}

// timedOut is the failure of what ran longer than limit.
func timedOut(limit time.Duration) failure {
	return failure{kind: "Sandbox.Timedout", message: "Task timed out after " + strconv.FormatFloat(limit.Seconds(), 'f', 2, 64) + " seconds"}
}

// initFailure is an environment that did not start, as the error of the request that waited for it.
type initFailure struct{ answer answer }

func (f *initFailure) Error() string { return "the init phase failed: " + string(f.answer.payload) }

// unsampled adds to a trace that this service has called the function and that nobody records it.
func unsampled(trace string) string {
	var parent [8]byte
	rand.Read(parent[:]) // never fails: crypto/rand ends the program first
	return trace + ";Parent=" + hex.EncodeToString(parent[:]) + ";Sampled=0"
}

func errDenied(principal, arn string) error {
	return &awsproto.Error{Code: "AccessDeniedException", Status: http.StatusForbidden,
		Message: "User: " + principal + " is not authorized to perform: lambda:InvokeFunction on resource: " + arn +
			" because no resource-based policy allows the lambda:InvokeFunction action"}
}
