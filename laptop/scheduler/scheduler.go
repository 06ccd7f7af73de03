// Package scheduler is Amazon EventBridge Scheduler on this machine: schedules that call functions at
// times, behind its REST JSON API and behind methods.
//
//	service, err := scheduler.Open(scheduler.Config{Dir: dir, Invoke: invoke})
//	s, err := service.Create(scheduler.Schedule{Name: "tidy", Expression: "rate(5 minutes)",
//		Target: scheduler.Target{ARN: function, RoleARN: role}})
//
// A call is made at the time itself, where AWS has a minute for it, and at the beginning of a flexible
// window. What would have been called while the service was closed is not made up for.
package scheduler

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/pause"
	"github.com/ephor-io/ephor/laptop/internal/state"
	"github.com/ephor-io/ephor/laptop/internal/when"
)

// Config is what a Service is opened with.
type Config struct {
	// Dir holds the state; it is made if missing.
	Dir string
	// Region and Account stand in ARNs; "" means us-east-1 and 000000000000.
	Region, Account string
	// Invoke hands an event to a function, named by its ARN, and does not wait for its answer.
	Invoke func(ctx context.Context, function string, event []byte) error
	// Problem is told of calls that could not be made; nil tells nobody.
	Problem func(error)
	// backOff is the wait after the first call that could not be made, which doubles from then on up to
	// a minute. Default 1 s.
	backOff time.Duration
}

// Schedule is a schedule of the group default, the only one here.
type Schedule struct {
	Name        string
	Description string `json:",omitempty"`
	Expression  string
	Zone        string    // of cron and at; "" means UTC
	Start, End  time.Time // none before and behind, of recurring schedules; zero sets no bound
	Window      int       // minutes of the flexible window; 0 is OFF
	Disabled    bool
	DeleteAfter bool // the last call
	Target      Target
	Created     time.Time
	Modified    time.Time // a rate without Start is counted from here
	Mark        string    `json:",omitempty"` // by which whoever made it knows it; not shown
}

// Target is what a schedule calls.
type Target struct {
	ARN, RoleARN string
	Input        string // the event, JSON; "" means Scheduler's own
	// Retries of a call that could not be made, 185 at most, and the seconds in which; nil means as many
	// and a day.
	Retries, MaxAge *int
}

// Service is Scheduler. It is safe for concurrent use.
type Service struct {
	config Config
	files  state.Folder[Schedule]
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup
	bell   pause.Bell

	mu  sync.Mutex
	all map[string]*entry // by name
}

// entry is a schedule and when it calls next.
type entry struct {
	Schedule
	expression when.Expression
	next       time.Time // zero: never
}

// Open loads the schedules that Dir holds and begins to call.
func Open(config Config) (*Service, error) {
	config.Region = cmp.Or(config.Region, "us-east-1")
	config.Account = cmp.Or(config.Account, "000000000000")
	config.backOff = cmp.Or(config.backOff, time.Second)
	if config.Problem == nil {
		config.Problem = func(error) {}
	}
	s := &Service{config: config, files: state.Folder[Schedule]{Dir: config.Dir}, bell: pause.NewBell(), all: map[string]*entry{}}
	left, err := s.files.Load()
	if err != nil {
		return nil, fmt.Errorf("opening Scheduler: %w", err)
	}
	for _, one := range left {
		e, err := s.entry(one)
		if err != nil {
			return nil, fmt.Errorf("opening Scheduler: schedule %s: %w", one.Name, err)
		}
		e.plan(time.Now())
		s.all[one.Name] = e
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.work.Go(func() { s.bell.Loop(s.ctx, s.dispatch) })
	return s, nil
}

// Close calls nothing any more, and returns when no call is under way.
func (s *Service) Close() error {
	s.cancel()
	s.work.Wait()
	return nil
}

// ARN is that of a schedule.
func (s *Service) ARN(name string) string {
	return "arn:aws:scheduler:" + s.config.Region + ":" + s.config.Account + ":schedule/default/" + name
}

var (
	validName     = regexp.MustCompile(`^[0-9a-zA-Z_.-]{1,64}$`)
	validFunction = regexp.MustCompile(`^arn:aws:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9$_-]+)?$`)
	validRole     = regexp.MustCompile(`^arn:aws:iam::[0-9]{12}:role/.+$`)
)

// entry checks a schedule.
func (s *Service) entry(in Schedule) (*entry, error) {
	bad := func(format string, args ...any) error { return awsproto.Errorf("ValidationException", format, args...) }
	expression, err := when.Parse(in.Expression, in.Zone)
	if err != nil {
		return nil, bad("Invalid Schedule Expression %v", err)
	}
	switch t := in.Target; {
	case !validName.MatchString(in.Name):
		return nil, bad("the name %q: 1 to 64 letters, digits, underscores, hyphens and dots", in.Name)
	case !validFunction.MatchString(t.ARN):
		return nil, bad("the target %s: on this machine it is a function's ARN", t.ARN)
	case !validRole.MatchString(t.RoleARN):
		return nil, bad("RoleArn %q is no role's ARN", t.RoleARN)
	case t.Input != "" && !json.Valid([]byte(t.Input)):
		return nil, bad("Input is not well-formed JSON, which a function wants")
	case t.Retries != nil && (*t.Retries < 0 || *t.Retries > 185):
		return nil, bad("MaximumRetryAttempts %d: 0 to 185", *t.Retries)
	case t.MaxAge != nil && (*t.MaxAge < 60 || *t.MaxAge > 86400):
		return nil, bad("MaximumEventAgeInSeconds %d: 60 to 86400", *t.MaxAge)
	case in.Window < 0 || in.Window > 1440:
		return nil, bad("MaximumWindowInMinutes %d: 1 to 1440", in.Window)
	case len(in.Description) > 512:
		return nil, bad("Description has %d characters; 512 are allowed", len(in.Description))
	case !in.Start.IsZero() && !in.End.IsZero() && !in.Start.Before(in.End):
		return nil, bad("StartDate is not before EndDate")
	}
	return &entry{Schedule: in, expression: expression}, nil
}

// plan finds out when the schedule calls next, behind after.
func (e *entry) plan(after time.Time) {
	e.next = time.Time{}
	if e.Disabled {
		return
	}
	begin := e.Modified
	if !e.expression.Once() && !e.Start.IsZero() {
		if begin = e.Start; after.Before(begin) {
			after = begin.Add(-time.Nanosecond)
		}
	}
	next, ok := e.expression.Next(begin, after)
	if ok && (e.expression.Once() || e.End.IsZero() || next.Before(e.End)) {
		e.next = next
	}
}

// Create makes a schedule, durably, and lets it call.
func (s *Service) Create(in Schedule) (Schedule, error) {
	return s.put(in, func(before *entry) error {
		if before != nil {
			return &awsproto.Error{Code: "ConflictException", Status: http.StatusConflict, Message: "Schedule " + in.Name + " already exists."}
		}
		return nil
	})
}

// Update makes a schedule what in says. A rate without Start begins anew.
func (s *Service) Update(in Schedule) (Schedule, error) {
	return s.put(in, func(before *entry) error {
		if before == nil {
			return notFound(in.Name)
		}
		return nil
	})
}

func (s *Service) put(in Schedule, may func(*entry) error) (Schedule, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.all[in.Name]
	if err := may(before); err != nil {
		return Schedule{}, err
	}
	t := time.Now().UTC().Truncate(time.Millisecond)
	in.Created, in.Modified = t, t
	if before != nil {
		in.Created, in.Mark = before.Created, before.Mark
	}
	e, err := s.entry(in)
	if err != nil {
		return Schedule{}, err
	}
	if err := s.files.Save(state.Name(in.Name), in); err != nil {
		return Schedule{}, err
	}
	// A rate calls at once for the first time.
	e.plan(t.Add(-time.Nanosecond))
	s.all[in.Name] = e
	s.bell.Ring()
	return in, nil
}

// Delete removes a schedule.
func (s *Service) Delete(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all[name] == nil {
		return notFound(name)
	}
	if err := s.files.Remove(state.Name(name)); err != nil {
		return err
	}
	delete(s.all, name)
	return nil
}

// Get finds a schedule.
func (s *Service) Get(name string) (Schedule, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.all[name]; e != nil {
		return e.Schedule, nil
	}
	return Schedule{}, notFound(name)
}

// List are all schedules whose names begin with a prefix, by name.
func (s *Service) List(prefix string) []Schedule {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Schedule
	for _, name := range slices.Sorted(maps.Keys(s.all)) {
		if strings.HasPrefix(name, prefix) {
			all = append(all, s.all[name].Schedule)
		}
	}
	return all
}

func notFound(name string) error {
	return &awsproto.Error{Code: "ResourceNotFoundException", Status: http.StatusNotFound, Message: "Schedule " + name + " does not exist."}
}
