package laptop

import (
	"context"

	"github.com/ephor-io/ephor/laptop/cloudformation"
	"github.com/ephor-io/ephor/laptop/cloudwatch"
)

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudwatch-alarm.html
//
// Alarms of several metrics are not supported.
type alarmProperties struct {
	AlarmName, AlarmDescription                      string
	ActionsEnabled                                   *bool
	AlarmActions, OKActions, InsufficientDataActions []string
	Namespace, MetricName                            string
	Dimensions                                       []struct{ Name, Value string }
	Statistic, ExtendedStatistic                     string
	ComparisonOperator                               string
	Threshold                                        *float64
	Period, EvaluationPeriods, DatapointsToAlarm     int
	TreatMissingData                                 string
	Tags                                             tags
}

func alarms(service *cloudwatch.Service) cloudformation.Provider {
	made := func(a cloudwatch.Alarm, err error) (cloudformation.Resource, error) {
		if err != nil {
			return cloudformation.Resource{}, err
		}
		return made(a.Name, map[string]any{"Arn": service.ARN(a.Name)}, nil)
	}
	input := func(r cloudformation.Request, p alarmProperties) cloudwatch.Alarm {
		dimensions := map[string]string{}
		for _, d := range p.Dimensions {
			dimensions[d.Name] = d.Value
		}
		return cloudwatch.Alarm{Name: physical(r, p.AlarmName, 255, asItIs), Description: p.AlarmDescription,
			Namespace: p.Namespace, MetricName: p.MetricName, Dimensions: dimensions, Statistic: p.Statistic, ExtendedStatistic: p.ExtendedStatistic,
			ComparisonOperator: p.ComparisonOperator, Threshold: p.Threshold, Period: p.Period, EvaluationPeriods: p.EvaluationPeriods,
			DatapointsToAlarm: p.DatapointsToAlarm, TreatMissingData: p.TreatMissingData,
			Actions: p.AlarmActions, OKActions: p.OKActions, InsufficientData: p.InsufficientDataActions,
			ActionsDisabled: p.ActionsEnabled != nil && !*p.ActionsEnabled, Tags: p.Tags.toMap(), ClientToken: r.Token}
	}
	return resource[alarmProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"AlarmName", "AlarmDescription", "ActionsEnabled", "AlarmActions", "OKActions", "InsufficientDataActions", "Namespace", "MetricName",
				"Dimensions", "Statistic", "ExtendedStatistic", "ComparisonOperator", "Threshold", "Period", "EvaluationPeriods", "DatapointsToAlarm",
				"TreatMissingData", "Tags"},
			CreateOnly: []string{"AlarmName"},
			Attributes: []string{"Arn"},
		},
		find: func(r cloudformation.Request, p alarmProperties) (cloudformation.Resource, string, bool) {
			a, err := service.Alarm(physical(r, p.AlarmName, 255, asItIs))
			got, _ := made(a, nil)
			return got, a.ClientToken, err == nil
		},
		create: func(_ context.Context, r cloudformation.Request, p alarmProperties) (cloudformation.Resource, error) {
			return made(service.CreateAlarm(input(r, p)))
		},
		update: func(_ context.Context, r cloudformation.Request, p alarmProperties) (cloudformation.Resource, error) {
			return made(service.ChangeAlarm(input(r, p)))
		},
		remove: func(_ context.Context, r cloudformation.Request, _ alarmProperties) error {
			return service.DeleteAlarm(r.PhysicalID)
		},
	}
}
