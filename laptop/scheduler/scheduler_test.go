package scheduler

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/internal/awstest"
	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

const (
	function = "arn:aws:lambda:us-east-1:000000000000:function:f"
	role     = "arn:aws:iam::000000000000:role/r"
)

// calls are those that were made.
type calls struct {
	mu   sync.Mutex
	made []string // the time since the first moment, and the event
	from time.Time
	fail func(n int) error
}

func (c *calls) invoke(_ context.Context, _ string, event []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made = append(c.made, time.Since(c.from).Round(time.Second).String()+" "+string(event))
	if c.fail != nil {
		return c.fail(len(c.made))
	}
	return nil
}

func (c *calls) are(t *testing.T, want ...string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if diff := cmp.Diff(want, c.made); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func open(t *testing.T, dir string, c *calls) *Service {
	t.Helper()
	s, err := Open(Config{Dir: dir, Invoke: c.invoke, Problem: func(err error) { t.Log(err) }})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t *testing.T, s *Service, in Schedule) {
	t.Helper()
	in.Target.ARN, in.Target.RoleARN = function, role
	if in.Target.Input == "" {
		in.Target.Input = `"` + in.Name + `"`
	}
	if _, err := s.Create(in); err != nil {
		t.Fatal(err)
	}
}

func TestSchedulesCall(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) { // it begins at midnight UTC 2000-01-01
		c := &calls{from: time.Now()}
		s := open(t, dir, c)
		put(t, s, Schedule{Name: "rate", Expression: "rate(2 minutes)"})
		put(t, s, Schedule{Name: "cron", Expression: "cron(3 * * * ? *)", Target: Target{Input: `"<aws.scheduler.scheduled-time> <aws.scheduler.attempt-number> <aws.scheduler.schedule-arn>"`}})
		put(t, s, Schedule{Name: "at", Expression: "at(2000-01-01T00:01:00)", DeleteAfter: true})
		put(t, s, Schedule{Name: "off", Expression: "rate(1 minute)", Disabled: true})
		put(t, s, Schedule{Name: "later", Expression: "rate(1 minute)", Start: c.from.Add(210 * time.Second), End: c.from.Add(211 * time.Second)})
		time.Sleep(4*time.Minute + time.Second)
		c.are(t, `0s "rate"`, `1m0s "at"`, `2m0s "rate"`, `3m0s "2000-01-01T00:03:00Z 1 arn:aws:scheduler:us-east-1:000000000000:schedule/default/cron"`, `3m30s "later"`, `4m0s "rate"`)
		if _, err := s.Get("at"); err == nil {
			t.Error("at is there after its call")
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		// While it is closed nothing is called, and nothing is made up for.
		time.Sleep(4 * time.Minute)
		c.made = nil
		s = open(t, dir, c)
		time.Sleep(2 * time.Minute)
		c.are(t, `10m0s "rate"`)
		if err := s.Delete("rate"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		c.are(t, `10m0s "rate"`)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestCallsAreTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &calls{from: time.Now(), fail: func(n int) error {
			if n < 3 {
				return errors.New("busy")
			}
			return nil
		}}
		s := open(t, t.TempDir(), c)
		put(t, s, Schedule{Name: "a", Expression: "rate(1 day)", Target: Target{Input: `"<aws.scheduler.attempt-number>"`}})
		time.Sleep(time.Minute)
		c.are(t, `0s "1"`, `1s "2"`, `3s "3"`)
		c.made, c.fail = nil, func(int) error {
			return &awsproto.Error{Code: "ResourceNotFoundException", Status: http.StatusNotFound}
		}
		put(t, s, Schedule{Name: "b", Expression: "rate(1 day)"})
		time.Sleep(time.Minute)
		c.are(t, `1m0s "b"`)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestTheCLI(t *testing.T) {
	t.Parallel()
	cli := awstest.Program(t)
	endpoint := awstest.Serve(t, open(t, t.TempDir(), &calls{from: time.Now()}))
	run := func(want string, args ...string) {
		t.Helper()
		out, err := awstest.Command(t, cli, endpoint, append([]string{"scheduler"}, args...)...).CombinedOutput()
		if !strings.Contains(string(out), want) {
			t.Errorf("%v: %v: %s, want %q", args, err, out, want)
		}
	}
	target := `{"Arn":"` + function + `","RoleArn":"` + role + `","Input":"{}"}`
	run("schedule/default/tidy", "create-schedule", "--name", "tidy", "--schedule-expression", "rate(5 minutes)", "--flexible-time-window", "Mode=OFF", "--target", target,
		"--start-date", "2030-01-01T00:00:00Z")
	run("ConflictException", "create-schedule", "--name", "tidy", "--schedule-expression", "rate(5 minutes)", "--flexible-time-window", "Mode=OFF", "--target", target)
	run("2030-01-01T00:00:00+00:00", "get-schedule", "--name", "tidy")
	run(`"Name": "tidy"`, "list-schedules")
	run("ValidationException", "update-schedule", "--name", "tidy", "--schedule-expression", "rate(5 seconds)", "--flexible-time-window", "Mode=OFF", "--target", target)
	run("", "delete-schedule", "--name", "tidy")
	run("ResourceNotFoundException", "get-schedule", "--name", "tidy")
	run("on this machine Scheduler has no", "list-schedule-groups")
}
