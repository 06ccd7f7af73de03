package laptop

import (
	"context"
	"time"

	"github.com/ephor-io/ephor/laptop/cloudformation"
	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/lambda"
	"github.com/ephor-io/ephor/laptop/scheduler"
)

// invokeLater hands functions events whose answer nobody waits for.
func invokeLater(functions *lambda.Service) func(context.Context, string, []byte) error {
	return func(ctx context.Context, function string, event []byte) error {
		_, err := functions.InvokeAsync(ctx, lambda.InvokeInput{Function: function, Payload: event})
		return err
	}
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-scheduler-schedule.html
type scheduleProperties struct {
	Name                       string
	GroupName                  string
	Description                string
	ScheduleExpression         string
	ScheduleExpressionTimezone string
	StartDate, EndDate         string
	State                      string
	FlexibleTimeWindow         struct {
		Mode                   string
		MaximumWindowInMinutes int
	}
	Target struct {
		Arn, RoleArn, Input string
		RetryPolicy         struct{ MaximumRetryAttempts, MaximumEventAgeInSeconds *int }
	}
}

func (p scheduleProperties) input(r cloudformation.Request) (scheduler.Schedule, error) {
	in := scheduler.Schedule{Name: physical(r, p.Name, 64, asItIs), Description: p.Description, Expression: p.ScheduleExpression, Zone: p.ScheduleExpressionTimezone,
		Disabled: p.State == "DISABLED", Mark: r.Token, Target: scheduler.Target{ARN: p.Target.Arn, RoleARN: p.Target.RoleArn, Input: p.Target.Input,
			Retries: p.Target.RetryPolicy.MaximumRetryAttempts, MaxAge: p.Target.RetryPolicy.MaximumEventAgeInSeconds}}
	bad := func(property, value, remedy string) (scheduler.Schedule, error) {
		return in, awsproto.Errorf("ValidationException", "%s %s: %s", property, value, remedy)
	}
	if p.GroupName != "" && p.GroupName != "default" {
		return bad("GroupName", p.GroupName, "on this machine there is default alone")
	}
	if p.State != "" && p.State != "ENABLED" && p.State != "DISABLED" {
		return bad("State", p.State, "ENABLED or DISABLED")
	}
	for _, d := range []struct {
		name, text string
		into       *time.Time
	}{{"StartDate", p.StartDate, &in.Start}, {"EndDate", p.EndDate, &in.End}} {
		if d.text == "" {
			continue
		}
		var err error
		if *d.into, err = time.Parse(time.RFC3339, d.text); err != nil {
			return bad(d.name, d.text, "it is written 2026-12-24T18:00:00Z")
		}
	}
	var err error
	in.Window, err = scheduler.Window(p.FlexibleTimeWindow.Mode, p.FlexibleTimeWindow.MaximumWindowInMinutes)
	return in, err
}

func schedules(service *scheduler.Service) cloudformation.Provider {
	made := func(s scheduler.Schedule, err error) (cloudformation.Resource, error) {
		return made(s.Name, map[string]any{"Arn": service.ARN(s.Name)}, err)
	}
	put := func(do func(scheduler.Schedule) (scheduler.Schedule, error)) func(context.Context, cloudformation.Request, scheduleProperties) (cloudformation.Resource, error) {
		return func(_ context.Context, r cloudformation.Request, p scheduleProperties) (cloudformation.Resource, error) {
			in, err := p.input(r)
			if err != nil {
				return cloudformation.Resource{}, err
			}
			return made(do(in))
		}
	}
	return resource[scheduleProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"Name", "GroupName", "Description", "ScheduleExpression", "ScheduleExpressionTimezone", "StartDate", "EndDate", "State", "FlexibleTimeWindow", "Target"},
			Required:   []string{"FlexibleTimeWindow", "ScheduleExpression", "Target"},
			CreateOnly: []string{"Name"},
			Attributes: []string{"Arn"},
		},
		find: func(r cloudformation.Request, p scheduleProperties) (cloudformation.Resource, string, bool) {
			s, err := service.Get(physical(r, p.Name, 64, asItIs))
			got, _ := made(s, nil)
			return got, s.Mark, err == nil
		},
		create: put(service.Create),
		update: put(service.Update),
		// A restart is no change: a rate goes on as it was.
		restore: func(_ context.Context, r cloudformation.Request, _ scheduleProperties) (cloudformation.Resource, error) {
			return made(service.Get(r.PhysicalID))
		},
		remove: func(_ context.Context, r cloudformation.Request, _ scheduleProperties) error {
			return service.Delete(r.PhysicalID)
		},
	}
}
