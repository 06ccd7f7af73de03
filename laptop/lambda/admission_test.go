package lambda

import (
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// TestMeter against the definition: what was taken at any time, and how full it then is.
func TestMeter(t *testing.T) {
	t.Parallel()
	f := func(rate, burst float64, want string, at ...time.Duration) {
		t.Helper()
		var m meter
		got := ""
		for _, now := range at {
			got += map[bool]string{true: "y", false: "n"}[m.take(now, rate, burst)]
		}
		if got != want {
			t.Errorf("rate %v, burst %v at %v: %s, want %s", rate, burst, at, got, want)
		}
	}
	const s = time.Second
	f(1, 1, "yny", 0, 0, s)
	f(1, 3, "yyynyn", 0, 0, 0, 0, s, s)
	f(1, 3, "yyyyn", 0, 100*s, 100*s, 100*s, 100*s) // nothing is saved up
	f(10, 2, "yynynyn", 0, 0, 0, s/10, s/10, s/5, s/5)
	f(0, 0, "n", 0)
	f(100, 1000, "y", 5*s)
}

func throttledFor(t *testing.T, err error, reason string) {
	t.Helper()
	if got, ok := errors.AsType[*Throttled](err); !ok || got.Reason != reason {
		t.Errorf("got %v, want %s", err, reason)
	}
}

// TestRequestRate: ten requests a second for each unit of concurrency.
func TestRequestRate(t *testing.T) {
	t.Parallel()
	f := func(limit int, reserved *int, reason string) {
		t.Helper()
		s := open(t, Config{ConcurrencyLimit: limit, requestRate: 0.001}) // in a second hardly another one
		create(t, s, hello(t, func(in *FunctionInput) { in.ReservedConcurrency = reserved }))
		call(t, s, `{}`)
		_, err := s.Invoke(t.Context(), InvokeInput{Function: "hello"})
		throttledFor(t, err, reason)
	}
	f(1000, nil, "FunctionInvocationRateLimitExceeded")
	f(2000, new(1000), "ReservedFunctionInvocationRateLimitExceeded")
}

// TestScalingRate: no more environments are started than the rate allows, and then some again.
func TestScalingRate(t *testing.T) {
	t.Parallel()
	s := open(t, Config{ScalingRate: 2})
	create(t, s, hello(t))
	gate := filepath.Join(t.TempDir(), "go")
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			if _, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", Payload: waiting(gate)}); err != nil {
				t.Error(err)
			}
		})
	}
	eventually(t, "two busy", func() bool { return stats(t, s, "hello").Busy == 2 })
	_, err := s.Invoke(t.Context(), InvokeInput{Function: "hello"})
	throttledFor(t, err, "ConcurrentInvocationLimitExceeded")
	eventually(t, "another one", func() bool {
		_, err := s.Invoke(t.Context(), InvokeInput{Function: "hello"})
		return err == nil
	})
	release(t, gate)
	wg.Wait()
	// Another function scales by itself.
	create(t, s, hello(t, func(in *FunctionInput) { in.Name = "other" }))
	if _, err := s.Invoke(t.Context(), InvokeInput{Function: "other"}); err != nil {
		t.Error(err)
	}
}

// TestRetriesOfTheScalingRate: a request that has been admitted and whose environment dies gets
// another one, if later.
func TestRetriesOfTheScalingRate(t *testing.T) {
	t.Parallel()
	s := open(t, Config{ScalingRate: 1})
	s.cfg.ScalingRate = 100 // one is left, and more come every 100 ms
	create(t, s, hello(t))
	f, err := s.lookup("hello")
	if err != nil {
		t.Fatal(err)
	}
	for f.family.mayStart() {
	}
	f.mu.Lock()
	w := &waiter{inv: newInvocation(InvokeInput{}, "arn", func() {}), got: make(chan handover, 1)}
	f.waiters = append(f.waiters, w)
	kept := f.balance()
	f.mu.Unlock()
	if kept {
		t.Fatal("an environment was started against the rate")
	}
	h := <-w.got
	if h.err != nil {
		t.Fatal(h.err)
	}
	f.put(h.env)
}

func publish(t *testing.T, s *Service, name string) Function {
	t.Helper()
	v, err := s.PublishVersion(t.Context(), name, PublishInput{})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func ready(t *testing.T, s *Service, name string) {
	t.Helper()
	eventually(t, "provisioned concurrency", func() bool {
		p, err := s.ProvisionedConcurrency(name)
		if err != nil {
			t.Fatal(err)
		}
		return p.Status == "READY"
	})
}

func TestProvisionedConcurrency(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, Config{Dir: dir, IdleTimeout: 10 * time.Millisecond, provisionDelay: time.Millisecond})
	create(t, s, hello(t))
	publish(t, s, "hello")
	if _, err := s.CreateAlias(t.Context(), "hello", AliasInput{Name: "live", Version: "1"}); err != nil {
		t.Fatal(err)
	}
	c, _ := client(t, s)
	put, err := c.PutProvisionedConcurrencyConfig(t.Context(), &sdk.PutProvisionedConcurrencyConfigInput{FunctionName: aws.String("hello"),
		Qualifier: aws.String("live"), ProvisionedConcurrentExecutions: aws.Int32(2)})
	if err != nil || *put.RequestedProvisionedConcurrentExecutions != 2 {
		t.Fatalf("%+v %v", put, err)
	}
	ready(t, s, "hello:live")
	if got := s.unreserved.Load(); got != 998 {
		t.Errorf("%d are left of 1000", got)
	}
	initType := func(function string) string {
		t.Helper()
		out, err := s.Invoke(t.Context(), InvokeInput{Function: function, Payload: []byte(`{"do":"variables"}`)})
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(out.Payload), `"AWS_LAMBDA_INITIALIZATION_TYPE=`)
		kind, _, _ := strings.Cut(rest, `"`)
		return kind
	}
	for function, want := range map[string]string{"hello:live": provisionedConcurrency, "hello:1": provisionedConcurrency, "hello": onDemand} {
		if got := initType(function); got != want {
			t.Errorf("%s: %s, want %s", function, got, want)
		}
	}
	// Those above it spill over.
	gate := filepath.Join(t.TempDir(), "go")
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if _, err := s.Invoke(t.Context(), InvokeInput{Function: "hello:live", Payload: waiting(gate)}); err != nil {
				t.Error(err)
			}
		})
	}
	eventually(t, "three busy", func() bool { return stats(t, s, "hello").Busy == 3 })
	release(t, gate)
	wg.Wait()
	// The idle ones are reaped, but for those that are provisioned; one that dies is replaced.
	eventually(t, "the reaping of the others", func() bool { return stats(t, s, "hello").Running == 2 })
	out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello:live"})
	if err != nil {
		t.Fatal(err)
	}
	started := stats(t, s, "hello").Started
	if err := syscall.Kill(pidOf(t, out.Payload), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the replacement", func() bool { return stats(t, s, "hello").Started == started+1 })
	ready(t, s, "hello:live")

	// A restart starts them again.
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	s = open(t, Config{Dir: dir})
	ready(t, s, "hello:live")
	c, _ = client(t, s)
	list, err := c.ListProvisionedConcurrencyConfigs(t.Context(), &sdk.ListProvisionedConcurrencyConfigsInput{FunctionName: aws.String("hello")})
	if err != nil || len(list.ProvisionedConcurrencyConfigs) != 1 || !strings.HasSuffix(*list.ProvisionedConcurrencyConfigs[0].FunctionArn, ":hello:live") ||
		list.ProvisionedConcurrencyConfigs[0].Status != types.ProvisionedConcurrencyStatusEnumReady {
		t.Errorf("%+v %v", list, err)
	}
	// The alias takes them along to another version.
	if _, err := s.UpdateFunction(t.Context(), "hello", hello(t, edition(2))); err != nil {
		t.Fatal(err)
	}
	publish(t, s, "hello")
	if _, err := s.UpdateAlias(t.Context(), "hello", AliasInput{Name: "live", Version: "2"}); err != nil {
		t.Fatal(err)
	}
	ready(t, s, "hello:live")
	eventually(t, "the end of the old ones", func() bool { return stats(t, s, "hello").Running == 2 })
	if got := initType("hello:1"); got != onDemand {
		t.Errorf("version 1: %s", got)
	}

	remove := &sdk.DeleteProvisionedConcurrencyConfigInput{FunctionName: aws.String("hello"), Qualifier: aws.String("live")}
	if _, err := c.DeleteProvisionedConcurrencyConfig(t.Context(), remove); err != nil {
		t.Fatal(err)
	}
	_, err = c.GetProvisionedConcurrencyConfig(t.Context(), &sdk.GetProvisionedConcurrencyConfigInput{FunctionName: aws.String("hello"), Qualifier: aws.String("live")})
	if _, ok := errors.AsType[*types.ProvisionedConcurrencyConfigNotFoundException](err); !ok {
		t.Errorf("got %v", err)
	}
}

// TestProvisionedFailure: environments that do not start are told, and are tried again.
func TestProvisionedFailure(t *testing.T) {
	t.Parallel()
	s := open(t, Config{provisionDelay: time.Millisecond})
	create(t, s, hello(t, func(in *FunctionInput) { in.Environment = map[string]string{"INIT": "exit"} }))
	publish(t, s, "hello")
	if _, err := s.PutProvisionedConcurrency(t.Context(), "hello:1", 1); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a failure, and another try", func() bool {
		p, err := s.ProvisionedConcurrency("hello:1")
		return err == nil && p.Status == "FAILED" && p.StatusReason == "FUNCTION_ERROR_INIT_FAILURE" && stats(t, s, "hello").Started > 2
	})
}

func TestProvisionedIsRefused(t *testing.T) {
	t.Parallel()
	s := open(t, Config{ConcurrencyLimit: 110})
	create(t, s, hello(t))
	publish(t, s, "hello")
	for alias, version := range map[string]string{"newest": "$LATEST", "live": "1"} {
		if _, err := s.CreateAlias(t.Context(), "hello", AliasInput{Name: alias, Version: version}); err != nil {
			t.Fatal(err)
		}
	}
	f := func(name string, n int, code string) {
		t.Helper()
		if _, err := s.PutProvisionedConcurrency(t.Context(), name, n); err == nil || awsproto.From(err).Code != code {
			t.Errorf("%s, %d: %v, want %s", name, n, err, code)
		}
	}
	f("hello", 1, "InvalidParameterValueException")
	f("hello:$LATEST", 1, "InvalidParameterValueException")
	f("hello:newest", 1, "InvalidParameterValueException")
	f("hello:9", 1, "ResourceNotFoundException")
	f("hello:1", 0, "InvalidParameterValueException")
	f("hello:1", 11, "InvalidParameterValueException") // 100 must be left
	if err := s.ReserveConcurrency(t.Context(), "hello", new(5)); err != nil {
		t.Fatal(err)
	}
	f("hello:1", 6, "InvalidParameterValueException")
	if _, err := s.PutProvisionedConcurrency(t.Context(), "hello:1", 5); err != nil {
		t.Error(err)
	}
	f("hello:live", 1, "ResourceConflictException")
	if err := s.ReserveConcurrency(t.Context(), "hello", new(4)); err == nil {
		t.Error("fewer are reserved than provisioned")
	}
	if got := s.unreserved.Load(); got != 105 {
		t.Errorf("%d are left of 110", got)
	}
}

func TestAccountSettings(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	f := create(t, s, hello(t, func(in *FunctionInput) { in.ReservedConcurrency = new(300) }))
	publish(t, s, "hello")
	c, _ := client(t, s)
	got, err := c.GetAccountSettings(t.Context(), &sdk.GetAccountSettingsInput{})
	if err != nil || got.AccountLimit.ConcurrentExecutions != 1000 || *got.AccountLimit.UnreservedConcurrentExecutions != 700 ||
		got.AccountUsage.FunctionCount != 1 || got.AccountUsage.TotalCodeSize != 2*f.CodeSize {
		t.Errorf("%+v %v", got, err)
	}
}
