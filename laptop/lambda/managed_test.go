package lambda

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// onManagedInstances lets an environment of the test function have n invocations at once.
func onManagedInstances(n int) func(*FunctionInput) {
	return func(in *FunctionInput) {
		in.MemorySize = 2048
		in.ManagedInstances = &ManagedInstances{
			CapacityProviderARN: "arn:aws:lambda:us-east-1:000000000000:capacity-provider:mine", MaxConcurrency: n,
		}
	}
}

// workers waits until n of hello's workers have asked for an event.
func workers(t *testing.T, s *Service, n int) {
	t.Helper()
	f, err := s.lookup("hello:" + latestPublished)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the workers", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.idle) == n
	})
}

func TestManagedInstances(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	s := open(t, Config{Events: r.add})
	create(t, s, hello(t, onManagedInstances(4)))
	pid := pidOf(t, call(t, s, `{}`))
	workers(t, s, 4)

	// Eight at once have two environments.
	gate := filepath.Join(t.TempDir(), "go")
	var wg sync.WaitGroup
	var mu sync.Mutex
	pids := map[int]int{}
	for range 8 {
		wg.Go(func() {
			got := pidOf(t, call(t, s, string(waiting(gate))))
			mu.Lock()
			defer mu.Unlock()
			pids[got]++
		})
	}
	eventually(t, "eight busy", func() bool { return stats(t, s, "hello").Busy == 8 })
	if got := stats(t, s, "hello"); got.Running != 2 {
		t.Errorf("eight invocations have %d environments", got.Running)
	}
	release(t, gate)
	wg.Wait()
	if len(pids) != 2 || pids[pid] != 4 {
		t.Errorf("answered by %v; %d was there before", pids, pid)
	}
	sleepABit()
	if processState(pid) == 'T' {
		t.Error("an environment is frozen")
	}

	out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", Payload: []byte(`{"do":"variables"}`)})
	if err != nil || !strings.Contains(string(out.Payload), "AWS_LAMBDA_INITIALIZATION_TYPE=lambda-managed-instances") ||
		!strings.Contains(string(out.Payload), "AWS_LAMBDA_MAX_CONCURRENCY=4") {
		t.Errorf("%v %s", err, out.Payload)
	}
	s.SpinDown()
	eventually(t, "the end of the idle environments", func() bool { return stats(t, s, "hello").Running == 0 })
	if got := stats(t, s, "hello"); got.Invocations != 10 || got.Errors+got.InitErrors != 0 {
		t.Errorf("counted %+v", got)
	}
}

// TestManagedInstancesOverrun: the caller is told, and the code goes on, and with it all others.
func TestManagedInstancesOverrun(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	s := open(t, Config{Events: r.add})
	create(t, s, hello(t, onManagedInstances(2), func(in *FunctionInput) { in.Timeout = time.Second }))
	pid := pidOf(t, call(t, s, `{}`))
	workers(t, s, 2)
	gate := filepath.Join(t.TempDir(), "go")
	out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", Payload: waiting(gate)})
	if err != nil || !strings.Contains(string(out.Payload), "Task timed out after 1.00 seconds") {
		t.Fatalf("%v %s", err, out.Payload)
	}
	if got := pidOf(t, call(t, s, `{}`)); got != pid {
		t.Errorf("%d has taken the place of %d", got, pid)
	}
	release(t, gate) // its answer is thrown away, and its worker asks for another event
	workers(t, s, 2)
	if got := pidOf(t, call(t, s, `{}`)); got != pid {
		t.Errorf("%d has taken the place of %d", got, pid)
	}
	eventually(t, "the end of the last", func() bool { return stats(t, s, "hello").Busy == 0 })
	if got := stats(t, s, "hello"); got.Timeouts != 1 || got.Started != 1 || got.Running != 1 {
		t.Errorf("counted %+v", got)
	}
}

// TestManagedInstancesEnd: an exit fails every invocation, an update none.
func TestManagedInstancesEnd(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	in := hello(t, onManagedInstances(3))
	create(t, s, in)
	gate := filepath.Join(t.TempDir(), "go")
	var wg sync.WaitGroup
	run := func(wrong string) {
		for range 2 {
			wg.Go(func() {
				out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", Payload: waiting(gate)})
				if err != nil || !strings.Contains(string(out.Payload), wrong) {
					t.Errorf("%v %s, not %s", err, out.Payload, wrong)
				}
			})
		}
		eventually(t, "two busy", func() bool { return stats(t, s, "hello").Busy == 2 })
	}
	call(t, s, `{}`)
	workers(t, s, 3)
	run("exit status 4")
	if out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", Payload: []byte(`{"do":"exit","status":4}`)}); err != nil || out.FunctionError == "" {
		t.Errorf("%v %s", err, out.Payload)
	}
	wg.Wait()
	call(t, s, `{}`)
	workers(t, s, 3)
	run(`"pid"`)
	in.Environment = map[string]string{"VERSION": "2"}
	if _, err := s.UpdateFunction(t.Context(), "hello", in); err != nil {
		t.Fatal(err)
	}
	if got := call(t, s, `{}`); !strings.Contains(string(got), `"version":"2"`) {
		t.Errorf("after the update came %s", got)
	}
	release(t, gate)
	wg.Wait()
	eventually(t, "the end of the old environment", func() bool { return stats(t, s, "hello").Running == 1 })
}

func TestManagedInstancesAreValidated(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	for _, m := range []ManagedInstances{
		{MaxConcurrency: 1},
		{CapacityProviderARN: "arn", MaxConcurrency: 0},
		{CapacityProviderARN: "arn", MaxConcurrency: 1601},
		{CapacityProviderARN: "arn", MaxConcurrency: 1, MemoryGiBPerVCPU: 1},
	} {
		_, err := s.CreateFunction(t.Context(), hello(t, func(in *FunctionInput) { in.ManagedInstances, in.MemorySize = &m, 2048 }))
		if awsproto.From(err).Code != "InvalidParameterValueException" {
			t.Errorf("%+v: %v", m, err)
		}
	}
	for word, edit := range map[string]func(*FunctionInput){
		"2047 MB":              func(in *FunctionInput) { in.MemorySize = 2047 },
		"32769 MB":             func(in *FunctionInput) { in.MemorySize = 32_769 },
		"runtime provided.al2": func(in *FunctionInput) { in.Runtime = "provided.al2" },
	} {
		_, err := s.CreateFunction(t.Context(), hello(t, onManagedInstances(1), edit))
		if awsproto.From(err).Code != "InvalidParameterValueException" || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", word, err)
		}
	}
	create(t, s, hello(t, onManagedInstances(1), func(in *FunctionInput) { in.MemorySize = 32_768 }))
}

func TestManagedInstancesHaveNoInvokeEvent(t *testing.T) {
	t.Parallel()
	e := &environment{managed: newManaged(Function{ManagedInstances: &ManagedInstances{MaxConcurrency: 1}})}
	if _, refused := e.admit("x", []string{"INVOKE"}); refused == nil || refused.kind != "Extension.InvalidEventType" {
		t.Errorf("asking for INVOKE: %+v", refused)
	}
	if x, refused := e.admit("x", nil); refused != nil || x == nil {
		t.Errorf("asking for nothing: %+v", refused)
	}
}

// TestManagedInstancesOverTheWire are asked for, told, and kept through a change of something else.
func TestManagedInstancesOverTheWire(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	c, _ := client(t, s)
	asked := &types.CapacityProviderConfig{LambdaManagedInstancesCapacityProviderConfig: &types.LambdaManagedInstancesCapacityProviderConfig{
		CapacityProviderArn: aws.String("arn:aws:lambda:us-east-1:000000000000:capacity-provider:mine"), PerExecutionEnvironmentMaxConcurrency: aws.Int32(8)}}
	made, err := c.CreateFunction(t.Context(), &sdk.CreateFunctionInput{FunctionName: aws.String("f"), Role: aws.String("arn:aws:iam::0:role/r"), Handler: aws.String("h"),
		Runtime: types.RuntimeProvidedal2023, Code: &types.FunctionCode{ZipFile: script(t, "exit 1")}, CapacityProviderConfig: asked, MemorySize: aws.Int32(2048)})
	if err != nil {
		t.Fatal(err)
	}
	changed, err := c.UpdateFunctionConfiguration(t.Context(), &sdk.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), Timeout: aws.Int32(9)})
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []*types.CapacityProviderConfig{made.CapacityProviderConfig, changed.CapacityProviderConfig} {
		if got == nil || *got.LambdaManagedInstancesCapacityProviderConfig.PerExecutionEnvironmentMaxConcurrency != 8 {
			t.Errorf("told %+v", got)
		}
	}
	publish(t, s, "f")
	if _, err := s.PutProvisionedConcurrency(t.Context(), "f:1", 1); err == nil || !strings.Contains(err.Error(), "Managed Instances") {
		t.Errorf("got %v", err)
	}
}
