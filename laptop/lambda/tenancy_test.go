package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

func perTenant(in *FunctionInput) { in.TenantIsolationMode = PerTenant }

// served is what a process of hello says: who it is, and for whom it has ever worked.
type served struct {
	PID     int
	Version string
	Tenants []string
}

// callFor invokes hello for a tenant.
func callFor(t testing.TB, s *Service, tenant string) served {
	t.Helper()
	out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", TenantID: tenant, Payload: []byte(`{"do":"tenant"}`)})
	if err != nil || out.FunctionError != "" {
		t.Fatalf("%s: %v %s", tenant, err, out.Payload)
	}
	var answer served
	if err := json.Unmarshal(out.Payload, &answer); err != nil {
		t.Fatalf("%s: %v", out.Payload, err)
	}
	return answer
}

func refusedAs(t testing.TB, err error, code, message string) {
	t.Helper()
	if e := awsproto.From(err); err == nil || e.Code != code || !strings.Contains(e.Message, message) {
		t.Errorf("got %v, want %s %q", err, code, message)
	}
}

// An environment serves the tenant that it was started for, whatever is idle and whoever waits; that
// tenant it serves again.
func TestTenantsShareNoEnvironment(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t, perTenant))
	blue := callFor(t, s, "blue")
	settled(t, s, "hello")
	green := callFor(t, s, "a Green/tenant:of=+-@_.")
	settled(t, s, "hello")
	if again := callFor(t, s, "blue"); again.PID != blue.PID || green.PID == blue.PID {
		t.Errorf("blue had %d, green %d, blue then %d", blue.PID, green.PID, again.PID)
	}
	var all sync.WaitGroup
	for i := range 8 {
		tenant := fmt.Sprint("tenant-", i%4)
		all.Go(func() {
			for range 20 {
				if got := callFor(t, s, tenant); len(got.Tenants) != 1 || got.Tenants[0] != tenant {
					t.Errorf("the environment of %s has served %q", tenant, got.Tenants)
					return
				}
			}
		})
	}
	all.Wait()

	// What changes the function changes it for every tenant.
	settled(t, s, "hello")
	if _, err := s.UpdateFunction(t.Context(), "hello", hello(t, perTenant, edition(2))); err != nil {
		t.Fatal(err)
	}
	if got := callFor(t, s, "blue"); got.PID == blue.PID || got.Version != "2" {
		t.Errorf("after an update blue has %+v", got)
	}
	settled(t, s, "hello")
	if err := s.DeleteFunction(t.Context(), "hello"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end of all environments", func() bool { return stats(t, s, "hello").Running == 0 })
}

// Close ends tenants' environments while they answer.
func TestCloseWhileTenantsAreServed(t *testing.T) {
	t.Parallel()
	for range 5 {
		s := open(t, Config{})
		create(t, s, hello(t, perTenant))
		var all sync.WaitGroup
		for i := range 4 {
			callFor(t, s, fmt.Sprint(i))
			all.Go(func() {
				for {
					out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", TenantID: fmt.Sprint(i)})
					if err != nil || out.FunctionError != "" {
						return
					}
				}
			})
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // nothing is waited for
		if err := s.Close(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		all.Wait()
	}
}

// A tenant without environments and requests leaves nothing, and is served anew.
func TestTenantsGo(t *testing.T) {
	t.Parallel()
	s := open(t, Config{IdleTimeout: time.Millisecond})
	create(t, s, hello(t, perTenant))
	callFor(t, s, "blue")
	f, err := s.lookup("hello")
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "no pool of a tenant", func() bool {
		f.tenants.mu.Lock()
		defer f.tenants.mu.Unlock()
		return len(f.tenants.pools) == 0
	})
	callFor(t, s, "blue")
}

// A function may have 2.5 environments for each unit of concurrency, and those of other tenants count.
func TestTenantsAreLimited(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t, perTenant, func(in *FunctionInput) { in.ReservedConcurrency = new(2) }))
	for i := range 5 {
		callFor(t, s, fmt.Sprint(i))
		settled(t, s, "hello")
	}
	_, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", TenantID: "one too many"})
	throttledFor(t, err, "ReservedFunctionConcurrentInvocationLimitExceeded")
	callFor(t, s, "3") // which has one
	settled(t, s, "hello")
	s.SpinDown()
	callFor(t, s, "one too many")
}

func TestWhatTenantsForbid(t *testing.T) {
	t.Parallel()
	s := open(t, Config{Queues: newMailbox()})
	const invalid = "InvalidParameterValueException"
	_, err := s.CreateFunction(t.Context(), hello(t, perTenant, onManagedInstances(2)))
	refusedAs(t, err, invalid, "no tenant isolation on Managed Instances")
	_, err = s.CreateFunction(t.Context(), hello(t, func(in *FunctionInput) { in.TenantIsolationMode = "SHARED" }))
	refusedAs(t, err, invalid, `TenantIsolationMode "SHARED": it is PER_TENANT`)
	create(t, s, hello(t, perTenant))
	create(t, s, hello(t, func(in *FunctionInput) { in.Name = "plain" }))

	for _, event := range []bool{false, true} {
		invoke := func(function, tenant string) (err error) {
			in := InvokeInput{Function: function, TenantID: tenant}
			if event {
				_, err = s.InvokeAsync(t.Context(), in)
			} else {
				_, err = s.Invoke(t.Context(), in)
			}
			return err
		}
		refusedAs(t, invoke("hello", ""), invalid, "The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request and try again.")
		refusedAs(t, invoke("plain", "blue"), invalid, "plain is not enabled with tenancy configuration")
		refusedAs(t, invoke("hello", "blue!"), invalid, `TenantId "blue!"`)
		refusedAs(t, invoke("hello", strings.Repeat("x", 257)), invalid, "1 to 256")
	}
	_, err = s.UpdateFunction(t.Context(), "hello", hello(t))
	refusedAs(t, err, invalid, "TenancyConfig of hello cannot be changed")
	_, err = s.UpdateFunction(t.Context(), "plain", hello(t, perTenant))
	refusedAs(t, err, invalid, "TenancyConfig of plain cannot be changed")
	_, err = s.CreateFunctionURL(t.Context(), "hello", FunctionURLInput{AuthType: "NONE"})
	refusedAs(t, err, invalid, "A function URL is not for functions with tenant isolation, as hello is")
	if _, err := s.PublishVersion(t.Context(), "hello", PublishInput{}); err != nil {
		t.Fatal(err)
	}
	_, err = s.PutProvisionedConcurrency(t.Context(), "hello:1", 1)
	refusedAs(t, err, invalid, "Provisioned Concurrency is not for functions with tenant isolation")
	_, err = s.CreateEventSource(EventSource{Function: "hello", SourceARN: mailARN})
	refusedAs(t, err, invalid, "An event source mapping is not for functions with tenant isolation")
	if n := stats(t, s, "hello").Started + stats(t, s, "plain").Started; n != 0 {
		t.Errorf("%d environments were started for what was refused", n)
	}
}

// A destination has no tenant to say, which is told.
func TestADestinationHasNoTenant(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	s := open(t, Config{Events: r.add})
	create(t, s, hello(t, perTenant))
	create(t, s, hello(t, func(in *FunctionInput) { in.Name = "from" }))
	if _, err := s.PutEventInvokeConfig(t.Context(), "from", EventInvokeConfig{OnSuccess: s.arn("hello")}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.InvokeAsync(t.Context(), InvokeInput{Function: "from"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the problem", func() bool { return len(eventsOf[EventProblem](r)) == 1 })
	if p := eventsOf[EventProblem](r)[0]; !strings.Contains(p.Error(), "A destination, whose record has no tenant, is not for functions with tenant isolation") {
		t.Error(p)
	}
}

// Over the wire: TenancyConfig is taken and told, an asynchronous invocation keeps its tenant, and
// what is logged as JSON names it, as in
// https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation-monitor.html
func TestTenantsOverTheWire(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	s := open(t, Config{Events: r.add})
	c, _ := client(t, s)
	ctx := t.Context()
	made, err := c.CreateFunction(ctx, &sdk.CreateFunctionInput{FunctionName: aws.String("hello"), Role: aws.String("arn:aws:iam::000000000000:role/r"), Handler: aws.String("h"),
		Runtime: types.RuntimeProvidedal2023, Architectures: []types.Architecture{types.Architecture(hostArchitecture())}, Code: &types.FunctionCode{ZipFile: bootstrapZip(t)},
		TenancyConfig: &types.TenancyConfig{TenantIsolationMode: types.TenantIsolationModePerTenant}, LoggingConfig: &types.LoggingConfig{LogFormat: types.LogFormatJson}})
	if err != nil || made.TenancyConfig == nil || made.TenancyConfig.TenantIsolationMode != types.TenantIsolationModePerTenant {
		t.Fatalf("%+v, %v", made, err)
	}
	got, err := c.GetFunctionConfiguration(ctx, &sdk.GetFunctionConfigurationInput{FunctionName: aws.String("hello")})
	if err != nil || got.TenancyConfig == nil {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = c.CreateFunction(ctx, &sdk.CreateFunctionInput{FunctionName: aws.String("other"), Role: aws.String("arn:aws:iam::000000000000:role/r"), Handler: aws.String("h"),
		Runtime: types.RuntimeProvidedal2023, Code: &types.FunctionCode{ZipFile: bootstrapZip(t)}, TenancyConfig: &types.TenancyConfig{TenantIsolationMode: "SHARED"}})
	refusedByWire(t, err, "it is PER_TENANT")

	out, err := c.Invoke(ctx, &sdk.InvokeInput{FunctionName: aws.String("hello"), TenantId: aws.String("blue"), Payload: []byte(`{"do":"tenant"}`)})
	if err != nil || !strings.Contains(string(out.Payload), `"tenants":["blue"]`) {
		t.Errorf("%v %s", err, out.Payload)
	}
	_, err = c.Invoke(ctx, &sdk.InvokeInput{FunctionName: aws.String("hello")})
	refusedByWire(t, err, "Add a valid tenant ID in your request and try again.")
	streamed, err := c.InvokeWithResponseStream(ctx, &sdk.InvokeWithResponseStreamInput{FunctionName: aws.String("hello"), TenantId: aws.String("red"), Payload: []byte(`{"do":"tenant"}`)})
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for e := range streamed.GetStream().Events() {
		if chunk, ok := e.(*types.InvokeWithResponseStreamResponseEventMemberPayloadChunk); ok {
			text += string(chunk.Value.Payload)
		}
	}
	if err := streamed.GetStream().Close(); err != nil || !strings.Contains(text, `"tenants":["red"]`) {
		t.Errorf("%v %s", err, text)
	}
	if _, err := c.Invoke(ctx, &sdk.InvokeInput{FunctionName: aws.String("hello"), TenantId: aws.String("green"), InvocationType: types.InvocationTypeEvent,
		Payload: []byte(`{"do":"tenant"}`)}); err != nil {
		t.Fatal(err)
	}
	reports := func() map[string]int {
		n := map[string]int{}
		for _, line := range r.lines() {
			var l struct {
				Type   string
				Record struct{ TenantID string }
			}
			if err := json.Unmarshal([]byte(line), &l); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			if l.Type == "platform.start" || l.Type == "platform.report" {
				n[l.Type+" "+l.Record.TenantID]++
			}
		}
		return n
	}
	want := map[string]int{}
	for _, tenant := range []string{"blue", "red", "green"} {
		want["platform.start "+tenant], want["platform.report "+tenant] = 1, 1
	}
	eventually(t, "the reports", func() bool { return len(reports()) == len(want) })
	if diff := cmp.Diff(want, reports()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func refusedByWire(t testing.TB, err error, message string) {
	t.Helper()
	if e, ok := errors.AsType[*types.InvalidParameterValueException](err); !ok || !strings.Contains(e.ErrorMessage(), message) {
		t.Errorf("got %v, want %q", err, message)
	}
}
