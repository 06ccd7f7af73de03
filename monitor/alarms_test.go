package monitor

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/dashboard"
)

const operators = "arn:aws:sns:eu-central-1:123456789012:operators"

// TestHostAlarmsHearSilence: what is missing is breaching, for as long as was said, and nobody is told before the host has
// spoken.
func TestHostAlarmsHearSilence(t *testing.T) {
	t.Parallel()
	for said, periods := range map[time.Duration]int{0: 5, 2 * time.Minute: 2, 24 * time.Hour: 1440} {
		g := hello()
		g.Alerts.HostSilence = said
		resources := Template(g).Resources
		silent, checks := resources["HostSilentAlarm"], resources["HostChecksAlarm"]
		p := silent.Properties
		if p["TreatMissingData"] != "breaching" || p["EvaluationPeriods"] != periods || p["Period"] != 60 || p["Threshold"] != 1 || p["ComparisonOperator"] != "LessThanThreshold" {
			t.Errorf("a silence of %s: %v", said, p)
		}
		var wait string
		for id, r := range resources {
			if r.Type == "AWS::CloudFormation::WaitCondition" {
				wait = id
			}
		}
		if diff := cmp.Diff([][]string{{wait}, {wait}}, [][]string{silent.DependsOn, checks.DependsOn}); diff != "" {
			t.Errorf("the alarms are there before the host is (-want +got):\n%s", diff)
		}
	}
	g := hello()
	g.Alerts.HostSilence = -1
	for id, r := range Template(g).Resources {
		if r.Type == "AWS::CloudWatch::Alarm" {
			t.Errorf("%s is there, and turned off", id)
		}
	}
}

// TestHostSpeaksWhereItIsHeard: the script's metric is the one that the alarm looks at and that the role may put.
func TestHostSpeaksWhereItIsHeard(t *testing.T) {
	t.Parallel()
	resources, _ := plain(t)
	p := properties(resources["HostSilentAlarm"])
	namespace, ok := p["Namespace"].(map[string]any)["Fn::Sub"].(string)
	if !ok || !strings.Contains(Script(), `"Namespace=`+strings.ReplaceAll(namespace, "${AWS::StackName}", "$EPHOR_STACK")+`"`) {
		t.Errorf("the script does not speak in the namespace %v", p["Namespace"])
	}
	if !strings.Contains(Script(), "MetricName="+p["MetricName"].(string)+"&") || p["Dimensions"] != nil {
		t.Errorf("the script has not the metric %v of dimensions %v", p["MetricName"], p["Dimensions"])
	}
	checks := properties(resources["HostChecksAlarm"])
	if diff := cmp.Diff([]any{map[string]any{"Name": "InstanceId", "Value": map[string]any{"Ref": "Host"}}}, checks["Dimensions"]); diff != "" {
		t.Errorf("the checks are another machine's (-want +got):\n%s", diff)
	}
}

// TestThrottlesAlarms: one for each function, as many as are tolerated, and none where they are turned off.
func TestThrottlesAlarms(t *testing.T) {
	t.Parallel()
	app := ephor.New("Shop")
	app.Function("Orders", func() {})
	app.Function("Files", func() {})
	made := func(hooks ephor.Hooks) map[string]cfn.Resource {
		t.Helper()
		template := cfn.Template{Resources: map[string]cfn.Resource{}}
		if err := hooks.Service(t.Context(), &ephor.Deployment{App: app}, &template); err != nil {
			t.Fatal(err)
		}
		maps.DeleteFunc(template.Resources, func(_ string, r cfn.Resource) bool { return r.Type != "AWS::CloudWatch::Alarm" })
		return template.Resources
	}
	alerts := dashboard.Alerts{Throttles: 3}
	contacts := []ephor.Contact{{Slack: ephor.Secret{ID: "slack"}}, {Topic: operators}}
	for name, hooks := range map[string]ephor.Hooks{
		"Grafana": Hooks(ephor.Grafana{Alerts: alerts, Contacts: contacts}, Values{}),
		"Store":   StoreHooks(ephor.Grafana{Alerts: alerts, Contacts: contacts}, ephor.Store{}),
	} {
		all := made(hooks)
		if len(all) != 2 {
			t.Fatalf("%s: %v", name, all)
		}
		got, err := json.Marshal(all["FilesThrottlesAlarm"])
		if err != nil {
			t.Fatal(err)
		}
		want := `{"Type":"AWS::CloudWatch::Alarm","Properties":{"AlarmActions":["` + operators + `"],` +
			`"AlarmDescription":"Lambda turned more than 3 invocations of Files away in five minutes.","ComparisonOperator":"GreaterThanThreshold",` +
			`"Dimensions":[{"Name":"FunctionName","Value":{"Ref":"FilesFunction"}}],"EvaluationPeriods":1,"MetricName":"Throttles","Namespace":"AWS/Lambda",` +
			`"OKActions":["` + operators + `"],"Period":300,"Statistic":"Sum","Threshold":3,"TreatMissingData":"notBreaching"}}`
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if all := made(Hooks(ephor.Grafana{Alerts: dashboard.Alerts{Throttles: -1}}, Values{})); len(all) > 0 {
		t.Errorf("turned off, there are %v", all)
	}
}

// TestAlarmsSayThatTheyTellNobody, where no contact has a topic, and have no actions then.
func TestAlarmsSayThatTheyTellNobody(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		contacts []ephor.Contact
		told     int
	}{{nil, 0}, {[]ephor.Contact{{Slack: ephor.Secret{ID: "slack"}}}, 0}, {[]ephor.Contact{{Topic: operators}, {Topic: operators + "2"}}, 2}} {
		g := hello()
		g.Contacts = c.contacts
		for id, r := range hostAlarms(g, "Ready") {
			description, _ := r.Properties["AlarmDescription"].(string)
			actions, _ := r.Properties["AlarmActions"].([]any)
			back, _ := r.Properties["OKActions"].([]any)
			if len(actions) != c.told || len(back) != c.told || strings.Contains(description, "tells nobody") != (c.told == 0) {
				t.Errorf("%s with %v: %q, %v, %v", id, c.contacts, description, actions, back)
			}
		}
	}
}
