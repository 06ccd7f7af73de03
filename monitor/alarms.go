package monitor

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/dashboard"
)

// What no store can know is CloudWatch's to tell: which invocations Lambda turned away, and that the host is silent.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudwatch-alarm.html

// aliveMetric is what the host says once a minute, in a namespace of its stack's own, so that its role can be held to
// that.
const aliveMetric = "HostAlive"

func aliveNamespace() any { return cfn.Sub("Ephor/${AWS::StackName}") }

// alarm is what every alarm here has. What it tells reaches the contacts' topics, in the same account or another, of the
// region that it is in itself.
func alarm(contacts []ephor.Contact, description string, properties map[string]any) cfn.Resource {
	if topics := topics(contacts); len(topics) > 0 {
		properties["AlarmActions"], properties["OKActions"] = topics, topics
	} else {
		description += " It tells nobody: no contact of the application has a Topic."
	}
	properties["AlarmDescription"] = description
	return cfn.Resource{Type: "AWS::CloudWatch::Alarm", Properties: properties}
}

// topics are the contacts that CloudWatch reaches.
func topics(contacts []ephor.Contact) []any {
	var all []any
	for _, c := range contacts {
		if c.Topic != "" {
			all = append(all, c.Topic)
		}
	}
	return all
}

// throttlesAlarms adds to an application's template an alarm for each function. A function that nobody calls has no
// figures, and nobody is turned away.
//
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
func throttlesAlarms(a dashboard.Alerts, contacts []ephor.Contact) func(context.Context, *ephor.Deployment, *cfn.Template) error {
	return func(_ context.Context, d *ephor.Deployment, t *cfn.Template) error {
		if a.Throttles < 0 {
			return nil
		}
		for _, f := range d.App.Functions() {
			t.Resources[f.Name+"ThrottlesAlarm"] = alarm(contacts,
				fmt.Sprintf("Lambda turned more than %d invocations of %s away in five minutes.", a.Throttles, f.Name), map[string]any{
					"Namespace":          "AWS/Lambda",
					"MetricName":         "Throttles",
					"Dimensions":         []any{map[string]any{"Name": "FunctionName", "Value": cfn.Ref(f.LogicalID())}},
					"Statistic":          "Sum",
					"Period":             int(window / time.Second),
					"EvaluationPeriods":  1,
					"ComparisonOperator": "GreaterThanThreshold",
					"Threshold":          a.Throttles,
					"TreatMissingData":   "notBreaching",
				})
		}
		return nil
	}
}

// hostAlarms are of the machine, by EC2's checks, and of what runs on it, by its own word. A machine that is stopped has
// no checks, and one whose store does not answer passes them: so silence is the alarm, and the checks say
// why. ready is the wait condition: before it is over there is nothing to be silent.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/viewing_metrics_with_cloudwatch.html#status-check-metrics
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
func hostAlarms(g ephor.Grafana, ready string) map[string]cfn.Resource {
	if g.Alerts.HostSilence < 0 {
		return nil
	}
	silence := cmp.Or(g.Alerts.HostSilence, dashboard.DefaultHostSilence)
	checks := alarm(g.Contacts, "EC2 finds that the monitoring host, or the machine under it, does not work.", map[string]any{
		"Namespace":          "AWS/EC2",
		"MetricName":         "StatusCheckFailed",
		"Dimensions":         []any{map[string]any{"Name": "InstanceId", "Value": cfn.Ref(HostResource)}},
		"Statistic":          "Maximum",
		"Period":             60,
		"EvaluationPeriods":  2,
		"ComparisonOperator": "GreaterThanThreshold",
		"Threshold":          0,
		"TreatMissingData":   "notBreaching",
	})
	silent := alarm(g.Contacts, fmt.Sprintf("The monitoring host has not said for %s that its store and its Grafana answer.", silence), map[string]any{
		"Namespace":          aliveNamespace(),
		"MetricName":         aliveMetric,
		"Statistic":          "Sum",
		"Period":             60,
		"EvaluationPeriods":  int(silence / time.Minute),
		"ComparisonOperator": "LessThanThreshold",
		"Threshold":          1,
		"TreatMissingData":   "breaching",
	})
	checks.DependsOn, silent.DependsOn = []string{ready}, []string{ready}
	return map[string]cfn.Resource{"HostChecksAlarm": checks, "HostSilentAlarm": silent}
}
