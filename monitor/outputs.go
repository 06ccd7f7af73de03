package monitor

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
)

// OutputDashboard is the output with the address of the first dashboard.
const OutputDashboard = "DashboardURL"

// OutputImage is the output with the ID of the host's image, for ParamKeepImage.
const OutputImage = "HostImage"

func outputs(g ephor.Grafana, ready string) map[string]cfn.Output {
	exported := func(name, description string, value any) cfn.Output {
		return cfn.Output{Description: description, Value: value, Export: &cfn.Export{Name: cfn.Sub("${AWS::StackName}-" + name)}}
	}
	out := map[string]cfn.Output{
		"StoreURL":      exported("StoreURL", "Where metrics are written and queried.", signalled(ready, 0)),
		"StoreDatabase": exported("StoreDatabase", "The store's database.", Database),
		"StoreCA":       exported("StoreCA", "Whose certificates the store has: system, or a certificate in base64.", signalled(ready, 2)),
		"StoreSecret":   exported("StoreSecret", "The ARN of the secret that functions write with.", cfn.Ref("WriterSecret")),
		"GrafanaURL":    exported("GrafanaURL", "Where the dashboards are.", signalled(ready, 1)),
		"GrafanaSecret": {Description: "The ARN of the secret that holds the password of Grafana's user admin.", Value: cfn.Ref("GrafanaSecret")},
	}
	out[BackupBucket] = cfn.Output{Description: "The bucket with the store's backups, which stays when the stack goes.", Value: cfn.Ref(BackupBucket)}
	out[OutputImage] = cfn.Output{Description: "The host's image.", Value: image()}
	for i, d := range g.Dashboards {
		out[dashboardOutput(i)] = cfn.Output{
			Description: "Dashboard " + d.Title + ".",
			Value:       cfn.Join("", signalled(ready, 1), d.Path()),
		}
	}
	return out
}

// Login says where the dashboards of a stack with these outputs are, and how whoever may read its secret gets
// in. place are the flags that lead AWS's CLI to where the stack is, each behind a space; allowed is whom Grafana's port is
// open to, or "".
func Login(outputs map[string]string, place, allowed string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Grafana: %s/login, user admin", outputs["GrafanaURL"])
	if in, err := netip.ParsePrefix(allowed); err == nil && in.Addr().IsLoopback() {
		fmt.Fprintf(&b, ", whose port is open to nobody until provision --parameter %s=ADDRESS/32", ParamAllowed)
	}
	fmt.Fprintf(&b, "; its password:\n  aws secretsmanager get-secret-value --secret-id %s --query SecretString --output text%s",
		outputs["GrafanaSecret"], place)
	for _, name := range slices.Sorted(maps.Keys(outputs)) {
		if strings.HasPrefix(name, OutputDashboard) {
			fmt.Fprintf(&b, "\ndashboard: %s", outputs[name])
		}
	}
	return b.String()
}

// signalled is one part of what the host sent with its signal. The wait condition's Data
// attribute is a JSON object of all signals by their UniqueId, of which there is one:
//
//	{"ephor":"http://…,http://…,system"}
//	 ^1     ^2^3: what stands between the third and the fourth quotation mark
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-waitcondition.html
func signalled(ready string, part int) any {
	return cfn.Select(part, cfn.Split(",", cfn.Select(3, cfn.Split(`"`, cfn.GetAtt(ready, "Data")))))
}

// dashboardOutput is the logical ID of the output of the dashboard at i: OutputDashboard of the first,
// DashboardURL2 of the second.
func dashboardOutput(i int) string {
	if i == 0 {
		return OutputDashboard
	}
	return OutputDashboard + strconv.Itoa(i+1)
}
