package command

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/load"
	"github.com/ephor-io/ephor/loss"
)

// faulty stands for testdata/faulty, as hello does for examples/hello.
func faulty() (*ephor.App, string) {
	app := ephor.New("Faulty")
	f := app.Function("Handle", func() error { return nil })
	f.Timeout = time.Second
	app.Get("/", f)
	app.Monitor(ephor.Grafana{})
	return app, "cli/command/testdata/faulty"
}

// faultTime is how long each end of a function is met for. EPHOR_FAULT_TIME=10m makes the short
// form that runs with all tests the long one of docs/loss.md.
func faultTime(t *testing.T) time.Duration {
	text := os.Getenv("EPHOR_FAULT_TIME")
	if text == "" {
		return 2 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("EPHOR_FAULT_TIME: %v", err)
	}
	return d
}

// misbehave lets the store have trouble with a quarter of all batches.
func misbehave(seed uint64) *func(n int64) trouble {
	chance := func(n int64) trouble {
		r := rand.New(rand.NewPCG(seed, uint64(n)))
		if r.IntN(4) > 0 {
			return none
		}
		return trouble(r.IntN(int(troubles)))
	}
	return &chance
}

// Functions that fail, panic and run out of time, on environments that are frozen, thawed and spun
// down, with a store that takes no connection, delays, refuses, forgets to answer and hangs up: every invocation is in
// the store, once, and so is every increment of the counter. On a machine that is too busy to run
// anything in the time that Lambda gives a process to end, every loss is accounted for.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	app, source := faulty()
	s, tap := tapped(t, app, source)
	late := lateness(t)
	tap.chance.Store(misbehave(1))
	books := &ledger{session: s, from: s.started, served: map[loss.Environment]int64{}}
	for _, ends := range []string{"ok", "error", "panic", "timeout", "deadline", "ok"} {
		strain(t, s, tap, books, ends)
	}
	tap.chance.Store(nil)

	at := &store{url: s.addresses.Store, database: storeDatabase, client: s.client}
	recorded, err := s.settled(t.Context(), at)
	served := s.lambdaStatus().total()
	if err != nil || served.Errors == 0 {
		t.Errorf("%d of %d invocations failed (%v)", served.Errors, served.Invocations, err)
	}
	lost := served.Invocations - recorded
	if max := late(); lost > 0 && max < starved || 100*lost > mostExcused*served.Invocations {
		t.Errorf("%d of %d invocations are not recorded, nobody waited longer than %v", lost, served.Invocations, max)
	} else if lost > 0 {
		t.Logf("%d invocations are not recorded, on a machine that kept a goroutine waiting for %v", lost, max)
	}
	increments, err := at.number(t.Context(), `SELECT sum("count") FROM "hits"`)
	if err != nil || increments != recorded {
		t.Errorf("the counter's deltas add up to %d, %d increments are recorded (%v)", increments, recorded, err)
	}
	// Whatever the machine did, no loss goes unseen. None is of a publisher that says it is done, unless
	// Lambda ended an invocation that nothing has had the time to begin.
	r, err := loss.Account(t.Context(), at.query, loss.Period{From: s.started}, books.served)
	if err != nil || r.Served != served.Invocations || r.Recorded != recorded {
		t.Errorf("accounted for %d of %d, recorded are %d of %d (%v)", r.Recorded, r.Served, recorded, served.Invocations, err)
	}
	for _, l := range r.Losses {
		t.Logf("%s: %s: %s", l.What(), l.Instance, l.Why())
		if l.Batches > 0 || l.Dropped > 0 || l.Final && late() < starved {
			t.Errorf("%+v: %s", l, l.Why())
		}
	}
	tap.mu.Lock()
	defer tap.mu.Unlock()
	for _, twice := range tap.altered {
		t.Errorf("one point with two contents:\n%s", twice)
	}
	for _, twice := range tap.doubled {
		t.Errorf("sent again after it was acknowledged:\n%s", twice)
	}
	t.Logf("%d invocations, %d of them failed, in %d environments; %d are recorded, the counter says %d",
		served.Invocations, served.Errors, len(books.served), recorded, increments)
	if tap.reset.Load() == 0 {
		t.Error("no connection was reset before it was read from")
	}
	t.Logf("%d connections were reset before anything was read from them", tap.reset.Load())
	t.Logf("%d batches: %v; %d points of invocations were sent again; nobody waited longer than %v",
		tap.came.Load(), tap.met, tap.replayed, late())
}

// Functions that are killed outright: each takes its last invocation with it and no more, and
// every one of them is accounted for. Where the store has trouble, each takes what it had measured since
// the last batch that got through, and nothing from before.
func TestKillsAreAccountedFor(t *testing.T) {
	t.Parallel()
	t.Run("with a store", func(t *testing.T) { t.Parallel(); kills(t, nil) })
	t.Run("with a store in trouble", func(t *testing.T) { t.Parallel(); kills(t, misbehave(2)) })
}

func kills(t *testing.T, chance *func(n int64) trouble) {
	app, source := faulty()
	s, tap := tapped(t, app, source)
	tap.chance.Store(chance)
	// One request after the other, so that the machine has time for each. Half of them are logged as text,
	// the others as JSON.
	for n := range 60 {
		if n == 30 {
			_, err := awslambda.NewFromConfig(laptopAWS(s.addresses.Endpoint)).UpdateFunctionConfiguration(t.Context(), &awslambda.UpdateFunctionConfigurationInput{
				FunctionName: aws.String("Faulty-Handle"), LoggingConfig: &types.LoggingConfig{LogFormat: types.LogFormatJson}})
			if err != nil {
				t.Fatal(err)
			}
		}
		response, err := http.Get(s.addresses.API + "/?ends=kill")
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
	}
	tap.chance.Store(nil)
	at := &store{url: s.addresses.Store, database: storeDatabase, client: s.client}
	// The environments that are left end in order, and with them what they still had to send.
	for s.lambdaStatus().total().Environments > 0 {
		s.running.Load().Lambda().SpinDown()
		time.Sleep(5 * time.Millisecond)
	}
	stats := s.lambdaStatus().total()
	// What a process has sent and not seen acknowledged when it ends may still be on its way.
	var r loss.Report
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if r = accounted(t, s, at); int64(len(r.Losses)) <= stats.Errors || time.Now().After(deadline) {
			break
		}
	}
	if r.Served != stats.Invocations || int64(len(r.Losses)) != stats.Errors || stats.Errors < 4 {
		t.Errorf("%d invocations accounted for, %d environments with losses; Lambda counts %d, and %d that were killed",
			r.Served, len(r.Losses), stats.Invocations, stats.Errors)
	}
	waiting := complaints(t, s)
	for _, l := range r.Losses {
		// A process that could not deliver a batch in time, and has said so, is killed with that too.
		if l.Lost() > 1 && !waiting[l.Instance] || l.Final || l.Batches > 0 || l.Dropped > 0 {
			t.Errorf("%+v: %s", l, l.Why())
		}
	}
	t.Logf("recorded %d of %d; %d were killed", r.Recorded, r.Served, stats.Errors)
}

// accounted is what status would say of the losses.
func accounted(t *testing.T, s *session, at *store) loss.Report {
	t.Helper()
	period := loss.Period{From: s.started}
	served, err := s.program.served(t.Context(), laptopAWS(s.addresses.Endpoint), target{name: targetLaptop}, period)
	if err != nil {
		t.Fatal(err)
	}
	r, err := loss.Account(t.Context(), at.query, period, served)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// complaints are the environments whose log says that the store did not take a batch.
func complaints(t *testing.T, s *session) map[string]bool {
	t.Helper()
	logs := cloudwatchlogs.NewFromConfig(laptopAWS(s.addresses.Endpoint))
	found, err := logs.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: aws.String("/aws/lambda/Faulty-Handle"), FilterPattern: aws.String(`"does not take the metrics"`)})
	if err != nil {
		t.Fatal(err)
	}
	instances := map[string]bool{}
	for _, e := range found.Events {
		instances[*e.LogStreamName] = true
	}
	return instances
}

// starved is how long a machine may keep waiting somebody who has nothing to do but to wake up. One
// that takes longer does not give a process that ends the 300 ms that Lambda gives it.
const starved = 60 * time.Millisecond

// mostExcused is how many of a hundred invocations may be missing on such a machine: more is no matter of
// processes that were late to end.
const mostExcused = 2

// lateness watches the machine until the result is called, which tells the longest such wait.
func lateness(t *testing.T) func() time.Duration {
	const nap = 5 * time.Millisecond
	var longest atomic.Int64
	go func() {
		for t.Context().Err() == nil {
			start := time.Now()
			time.Sleep(nap)
			longest.Store(max(longest.Load(), int64(time.Since(start)-nap)))
		}
	}()
	return func() time.Duration { return time.Duration(longest.Load()) }
}

// A ledger adds up what each environment served, from logs that keep no more than some hundred
// environments that are gone.
type ledger struct {
	*session
	from   time.Time
	served map[loss.Environment]int64
}

// post adds what was served since it was last called, at a time when nothing runs.
func (b *ledger) post(t *testing.T) {
	t.Helper()
	to := time.Now()
	want := b.lambdaStatus().total().Invocations
	for _, n := range b.served {
		want -= n
	}
	for deadline := to.Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		served, err := b.program.served(t.Context(), laptopAWS(b.addresses.Endpoint), target{name: targetLaptop}, loss.Period{From: b.from, To: to})
		if err != nil {
			t.Fatal(err)
		}
		var n int64
		for _, m := range served {
			n += m
		}
		if n != want && time.Now().Before(deadline) {
			continue // the last lines are written after the answers
		}
		if n != want {
			t.Errorf("the logs have %d of %d invocations since %v", n, want, b.from)
		}
		for e, m := range served {
			b.served[e] += m
		}
		b.from = to
		return
	}
}

// slice is how long environments are used before all of them are spun down and new ones begun.
const slice = 15 * time.Second

// strain sends requests of which every seventh ends its environment, or its invocation, in that way,
// and ends the environments, in the midst of the store's trouble. Where no environment ends before the last request,
// the store takes no connections for a quarter of the time.
func strain(t *testing.T, s *session, tap *tap, books *ledger, ends string) {
	t.Helper()
	const rate = 60
	for left := faultTime(t); left > 0; left -= slice {
		plan, err := load.ParsePlan(fmt.Sprintf("%s@%d", min(left, slice), rate))
		if err != nil {
			t.Fatal(err)
		}
		var away sync.WaitGroup
		over := make(chan struct{})
		if ends == "ok" {
			away.Go(func() {
				time.Sleep(min(left, slice) / 4)
				tap.leave(min(left, slice)/4, over)
			})
		}
		r, err := s.load(t.Context(), plan, "/?ends="+ends)
		close(over)
		away.Wait()
		if err != nil {
			t.Fatal(err)
		}
		if ends != "ok" && r.Failed == 0 {
			t.Errorf("none of %d requests ended in %s", r.Asked, ends)
		}
		for s.lambdaStatus().total().Busy > 0 {
			time.Sleep(5 * time.Millisecond)
		}
		time.Sleep(2 * time.Millisecond) // what comes now has another millisecond
		books.post(t)
		s.running.Load().Lambda().SpinDown()
	}
}
