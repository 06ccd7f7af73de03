package scheduler

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

const maxRequest = 1 << 20

// ServeHTTP answers the REST JSON protocol:
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_Operations.html
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	awsproto.ServeJSON(w, r, s.serve)
}

func (s *Service) serve(r *http.Request) (any, error) {
	path := strings.Trim(r.URL.EscapedPath(), "/")
	kind, escaped, _ := strings.Cut(path, "/")
	name, err := url.PathUnescape(escaped)
	if kind != "schedules" || err != nil || strings.Contains(escaped, "/") {
		return nil, unknown(r)
	}
	if name == "" {
		if r.Method != http.MethodGet {
			return nil, unknown(r)
		}
		return s.list(r.URL.Query())
	}
	if group := r.URL.Query().Get("groupName"); group != "" && group != "default" {
		return nil, noGroup(group)
	}
	switch r.Method {
	case http.MethodGet:
		one, err := s.Get(name)
		return s.describe(one), err
	case http.MethodDelete:
		return struct{}{}, s.Delete(name)
	case http.MethodPost, http.MethodPut:
		in, err := read(r, name)
		if err != nil {
			return nil, err
		}
		put := s.Create
		if r.Method == http.MethodPut {
			put = s.Update
		}
		_, err = put(in)
		return map[string]string{"ScheduleArn": s.ARN(name)}, err
	}
	return nil, unknown(r)
}

func unknown(r *http.Request) error {
	return &awsproto.Error{Code: "UnknownOperationException", Status: http.StatusNotFound,
		Message: "on this machine Scheduler has no " + r.Method + " " + r.URL.Path + ": it has schedules of the group default, to create, get, update, delete and list"}
}

func noGroup(group string) error {
	return &awsproto.Error{Code: "ResourceNotFoundException", Status: http.StatusNotFound,
		Message: "Schedule group " + group + " does not exist: on this machine there is default alone"}
}

// wire is a schedule as the API has it.
type wire struct {
	Name, GroupName, Arn       string   `json:",omitempty"`
	ActionAfterCompletion      string   `json:",omitempty"`
	ClientToken                string   `json:",omitempty"`
	CreationDate               *float64 `json:",omitempty"` // seconds since 1970, as all dates
	LastModificationDate       *float64 `json:",omitempty"`
	Description                string   `json:",omitempty"`
	StartDate, EndDate         *float64 `json:",omitempty"`
	FlexibleTimeWindow         *flexible
	ScheduleExpression         string
	ScheduleExpressionTimezone string
	State                      string
	Target                     *target
}

type flexible struct {
	Mode                   string
	MaximumWindowInMinutes int `json:",omitempty"`
}

type target struct {
	Arn, RoleArn string
	Input        string       `json:",omitempty"`
	RetryPolicy  *retryPolicy `json:",omitempty"`
}

type retryPolicy struct{ MaximumRetryAttempts, MaximumEventAgeInSeconds *int }

func date(seconds *float64) time.Time {
	if seconds == nil {
		return time.Time{}
	}
	return time.UnixMilli(int64(*seconds * 1000)).UTC()
}

func dated(t time.Time) *float64 {
	if t.IsZero() {
		return nil
	}
	return new(float64(t.UnixMilli()) / 1000)
}

func read(r *http.Request, name string) (Schedule, error) {
	bad := func(format string, args ...any) (Schedule, error) {
		return Schedule{}, awsproto.Errorf("ValidationException", format, args...)
	}
	data, err := awsproto.ReadBody(r, maxRequest, "ValidationException")
	if err != nil {
		return Schedule{}, err
	}
	var in wire
	if err := awsproto.DecodeJSON(data, &in, "ValidationException"); err != nil {
		return Schedule{}, err
	}
	switch {
	case in.GroupName != "" && in.GroupName != "default":
		return Schedule{}, noGroup(in.GroupName)
	case in.FlexibleTimeWindow == nil || in.Target == nil:
		return bad("FlexibleTimeWindow and Target are required")
	case in.State != "" && in.State != "ENABLED" && in.State != "DISABLED":
		return bad("State %q: ENABLED or DISABLED", in.State)
	case in.ActionAfterCompletion != "" && in.ActionAfterCompletion != "NONE" && in.ActionAfterCompletion != "DELETE":
		return bad("ActionAfterCompletion %q: NONE or DELETE", in.ActionAfterCompletion)
	}
	window, err := Window(in.FlexibleTimeWindow.Mode, in.FlexibleTimeWindow.MaximumWindowInMinutes)
	if err != nil {
		return Schedule{}, err
	}
	out := Schedule{Name: name, Description: in.Description, Expression: in.ScheduleExpression, Zone: in.ScheduleExpressionTimezone, Start: date(in.StartDate), End: date(in.EndDate),
		Window: window, Disabled: in.State == "DISABLED", DeleteAfter: in.ActionAfterCompletion == "DELETE",
		Target: Target{ARN: in.Target.Arn, RoleARN: in.Target.RoleArn, Input: in.Target.Input}}
	if p := in.Target.RetryPolicy; p != nil {
		out.Target.Retries, out.Target.MaxAge = p.MaximumRetryAttempts, p.MaximumEventAgeInSeconds
	}
	return out, nil
}

// Window is a flexible time window as a schedule has it.
func Window(mode string, minutes int) (int, error) {
	if mode == "OFF" && minutes == 0 || mode == "FLEXIBLE" && minutes > 0 {
		return minutes, nil
	}
	return 0, awsproto.Errorf("ValidationException", "FlexibleTimeWindow: Mode is OFF, or FLEXIBLE with MaximumWindowInMinutes; it is %q with %d", mode, minutes)
}

func (s *Service) describe(in Schedule) wire {
	out := wire{Name: in.Name, GroupName: "default", Arn: s.ARN(in.Name), ActionAfterCompletion: "NONE", CreationDate: dated(in.Created), LastModificationDate: dated(in.Modified),
		Description: in.Description, StartDate: dated(in.Start), EndDate: dated(in.End), FlexibleTimeWindow: &flexible{Mode: "OFF"},
		ScheduleExpression: in.Expression, ScheduleExpressionTimezone: cmp.Or(in.Zone, "UTC"), State: "ENABLED",
		Target: &target{Arn: in.Target.ARN, RoleArn: in.Target.RoleARN, Input: in.Target.Input, RetryPolicy: &retryPolicy{cmp.Or(in.Target.Retries, new(185)), cmp.Or(in.Target.MaxAge, new(86400))}}}
	if in.DeleteAfter {
		out.ActionAfterCompletion = "DELETE"
	}
	if in.Window > 0 {
		out.FlexibleTimeWindow = &flexible{"FLEXIBLE", in.Window}
	}
	if in.Disabled {
		out.State = "DISABLED"
	}
	return out
}

func (s *Service) list(query url.Values) (any, error) {
	for _, name := range []string{"MaxResults", "NextToken"} {
		if query.Has(name) {
			return nil, awsproto.Errorf("ValidationException", "%s is not supported on this machine: all schedules come at once", name)
		}
	}
	type summary struct {
		Arn, Name, GroupName, State        string
		CreationDate, LastModificationDate *float64
		Target                             struct{ Arn string }
	}
	out := struct{ Schedules []summary }{[]summary{}}
	if group := query.Get("ScheduleGroup"); group != "" && group != "default" {
		return out, nil
	}
	for _, one := range s.List(query.Get("NamePrefix")) {
		d := s.describe(one)
		if state := query.Get("State"); state != "" && state != d.State {
			continue
		}
		out.Schedules = append(out.Schedules, summary{d.Arn, d.Name, d.GroupName, d.State, d.CreationDate, d.LastModificationDate, struct{ Arn string }{d.Target.Arn}})
	}
	return out, nil
}
