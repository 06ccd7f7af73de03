package monitor

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	grafana "github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
)

// Deploys are marked on the time axis of every panel. Whoever deploys need not reach the store: an application's stack
// has a parameter of Systems Manager that is another when anything of the stack is, and is changed after its functions. The
// host looks there every minute, and writes when it was changed, and what it says, into the store. A mark that is there
// already is written over itself. Into a store that has no host provision itself writes.

const (
	markResource    = "DeployMark"
	markMeasurement = "deploy"
	// marksPolicy keeps marks for as long as rollups, not as raw points.
	marksPolicy = minutesPolicy
)

// marksPath is where a monitoring stack's marks are, each under the name of an application's stack.
func marksPath(stack string) string { return "/ephor/" + stack + "/deploys" }

// deployMark adds the mark to an application's template. What hooks change after it is not in its checksum.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ssm-parameter.html
func deployMark(stack string) func(context.Context, *ephor.Deployment, *cfn.Template) error {
	return func(_ context.Context, d *ephor.Deployment, t *cfn.Template) error {
		words := []string{}
		if d.BuildID != "" {
			words = append(words, printable(d.BuildID))
		}
		var code any = ""
		var functions []string
		for _, f := range d.App.Functions() {
			functions = append(functions, f.LogicalID())
			of, _ := t.Resources[f.LogicalID()].Properties["Code"].(map[string]any)
			if key, zip := of["S3Key"].(string); zip {
				code = key
			} else if uri, image := of["ImageUri"]; image {
				code = uri
			}
		}
		text, err := json.Marshal(t)
		if err != nil {
			return fmt.Errorf("marking the deploy: %w", err)
		}
		if key, ok := code.(string); ok && key != "" {
			text = bytes.ReplaceAll(text, []byte(key), nil) // which is told beside it
		}
		sum := sha256.Sum256(text)
		end := ", template " + hex.EncodeToString(sum[:4])
		var value any
		if key, ok := code.(string); ok {
			value = strings.Join(append(words, "code "+key), ", ") + end
		} else {
			value = cfn.Join("", strings.Join(append(words, "image "), ", "), code, end)
		}
		t.Resources[markResource] = cfn.Resource{
			Type:      "AWS::SSM::Parameter",
			DependsOn: functions,
			Metadata:  map[string]any{cfn.NamesCode: true},
			Properties: map[string]any{
				"Name":        cfn.Sub(marksPath(stack) + "/${AWS::StackName}"),
				"Type":        "String",
				"Description": "What is deployed; dashboards mark when it was changed.",
				"Value":       value,
			},
		}
		return nil
	}
}

// printable is what somebody called a build, in what a parameter holds and a mark shows.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || strings.ContainsRune(`"\{}`, r) {
			return '_'
		}
		return r
	}, s)
	return s[:min(len(s), 200)]
}

// Mark is the point in line protocol, and the retention policy that it belongs into, of a parameter that was changed; ok
// is false of one that marks no deploy. The host does the same.
func Mark(parameter, value string, changed time.Time) (point, policy string, ok bool) {
	parts := strings.Split(parameter, "/")
	if len(parts) != 5 || parts[0] != "" || parts[1] != "ephor" || parts[3] != "deploys" {
		return "", "", false
	}
	return markPoint(parts[4], value, changed), marksPolicy, true
}

// MarkPoint is the point in line protocol that marks a deploy of a stack in a store that has no host: of a build, which may
// be "", with this code.
func MarkPoint(stack, build, code string, at time.Time) string {
	if build != "" {
		code = printable(build) + ", " + code
	}
	return markPoint(stack, code, at)
}

func markPoint(stack, text string, at time.Time) string {
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text)
	return fmt.Sprintf("%s,stack=%s text=\"%s\" %d\n", markMeasurement, stack, quoted, at.UnixMilli()*int64(time.Millisecond))
}

// event is a query of marks, as Grafana's InfluxDB data source has it.
//
// https://grafana.com/docs/grafana/latest/datasources/influxdb/annotations/
type event struct {
	RefID           string `json:"refId"`
	Query           string `json:"query"`
	RawQuery        bool   `json:"rawQuery"`
	FromAnnotations bool   `json:"fromAnnotations"`
	TextEditor      bool   `json:"textEditor"`
	TextColumn      string `json:"textColumn"`
}

// Build makes a query its own builder.
func (e event) Build() (variants.Dataquery, error) { return e, nil }

// ImplementsDataqueryVariant marks a query as one.
func (e event) ImplementsDataqueryVariant() {}

// DataqueryType is the plugin's.
func (e event) DataqueryType() string { return "influxdb" }

// Equals is true of the same query.
func (e event) Equals(other variants.Dataquery) bool { return reflect.DeepEqual(e, other) }

// Validate has nothing to refuse.
func (e event) Validate() error { return nil }

// deploys is the annotation of a dashboard. A store that is no host of ours has no retention policies but its own.
func deploys(as form) cog.Builder[grafana.AnnotationQuery] {
	policy := ""
	if as != forStore {
		policy = `"` + marksPolicy + `".`
	}
	return grafana.NewAnnotationQueryBuilder().
		Name("Deploys").
		Datasource(dataSource()).
		Enable(true).
		IconColor("blue").
		Target(event{RefID: "deploys", RawQuery: true, FromAnnotations: true, TextEditor: true, TextColumn: "text",
			Query: fmt.Sprintf(`SELECT "text" FROM %s"%s" WHERE $timeFilter`, policy, markMeasurement)})
}

// inOrder calls one after the other.
func inOrder(all ...func(context.Context, *ephor.Deployment, *cfn.Template) error) func(context.Context, *ephor.Deployment, *cfn.Template) error {
	return func(ctx context.Context, d *ephor.Deployment, t *cfn.Template) error {
		for _, f := range all {
			if err := f(ctx, d, t); err != nil {
				return err
			}
		}
		return nil
	}
}
