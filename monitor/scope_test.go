package monitor

import (
	"slices"
	"strings"
	"testing"

	"github.com/ephor-io/ephor/cfn/eval"
	"github.com/ephor-io/ephor/cfn/parse"
)

// fixed answers references as CloudFormation would once the stack is made.
type fixed struct{ data string }

func (f fixed) Ref(id string) (any, error) {
	switch {
	case strings.HasPrefix(id, "HostReadyHandle"):
		return "https://example.com/handle?a=1&b=%2F", nil
	case id == "HostAddress":
		return "192.0.2.7", nil
	default:
		return "arn:of:" + id, nil
	}
}

func (f fixed) Attribute(id, name string) (any, error) {
	if strings.HasPrefix(id, "HostReady") && name == "Data" {
		return f.data, nil
	}
	return id + "." + name, nil
}

// scopeOf is the stack Hello-Monitoring with these values of the parameters, and with what has been made of it.
func scopeOf(template *parse.Template, made eval.Resources, influxdb string) *eval.Scope {
	return &eval.Scope{
		Template:   template,
		Conditions: map[string]bool{zoneGiven: false, imageKept: false, backupOn: true, restoreGiven: false},
		Parameters: map[string]any{ParamImage: "ami-1", ParamKeepImage: "ami-0", paramInstanceType: "t4g.small", paramVolume: "20", ParamAllowed: "127.0.0.1/32", ParamWriters: "0.0.0.0/0",
			paramZone: "", paramInfluxDB: influxdb, paramGrafana: "13.2.3", paramRawDays: "7", paramRollupDays: "90", ParamBackupDays: "7", paramRestoreFrom: ""},
		Pseudo:    eval.Pseudo{StackName: "Hello-Monitoring", Region: "eu-central-1", AccountID: "000000000000"},
		Resources: made,
	}
}

func outputsOf(t *testing.T, scope *eval.Scope) (values map[string]string, exports []string) {
	t.Helper()
	values = map[string]string{}
	for id, o := range scope.Template.Outputs {
		v, err := scope.Value("Outputs."+id+".Value", o.Value)
		if err != nil {
			t.Fatal(err)
		}
		values[id] = v.(string)
		if o.Export != nil {
			name, err := scope.Value("Outputs."+id+".Export.Name", o.Export.Name)
			if err != nil {
				t.Fatal(err)
			}
			exports = append(exports, name.(string))
		}
	}
	slices.Sort(exports)
	return values, exports
}
