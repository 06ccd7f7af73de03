//go:build !ephor_lambda

package shop

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/iam"
)

// warehouseStack is a topology of its own: others read from its queue, and it outlives the application.
const warehouseStack = "Orders-Warehouse"

//go:embed catalogue.json
var catalogueJSON []byte

// addHooks adds what runs on the host only, and is left out of the deployed binary.
func addHooks(app *ephor.App, ship *ephor.Function) {
	ship.Permissions = []iam.Statement{iam.Allow("sqs:SendMessage").On(cfn.ImportValue(warehouseStack + "-QueueArn"))}
	ship.Decorate(func(_ context.Context, _ *ephor.Deployment, f ephor.FunctionTemplate) error {
		f.Setenv(warehouseVariable, cfn.ImportValue(warehouseStack+"-QueueUrl"))
		return nil
	})
	app.Hook(ephor.Hooks{Stacks: warehouse, Archive: addCatalogue})
}

// warehouse is the stack whose queue the application imports, so that it cannot be deleted before.
func warehouse(context.Context, *ephor.Deployment) ([]ephor.Stack, error) {
	export := func(name string, value any) cfn.Output {
		return cfn.Output{Value: value, Export: &cfn.Export{Name: cfn.Sub("${AWS::StackName}-" + name)}}
	}
	return []ephor.Stack{{Name: warehouseStack, Template: cfn.Template{
		AWSTemplateFormatVersion: cfn.FormatVersion,
		Description:              "Where the parcels of Orders are waited for",
		Resources: map[string]cfn.Resource{"Queue": {Type: "AWS::SQS::Queue", Properties: map[string]any{
			"SqsManagedSseEnabled": true, "MessageRetentionPeriod": 14 * 24 * 60 * 60,
		}}},
		Outputs: map[string]cfn.Output{
			"QueueUrl": export("QueueUrl", cfn.Ref("Queue")),
			"QueueArn": export("QueueArn", cfn.GetAtt("Queue", "Arn")),
		},
	}}}, nil
}

// addCatalogue puts the catalogue beside the executable, if every item has a price.
func addCatalogue(_ context.Context, _ *ephor.Deployment, a *ephor.Archive) error {
	var prices map[string]int
	if err := json.Unmarshal(catalogueJSON, &prices); err != nil {
		return fmt.Errorf("%s: %w", catalogueFile, err)
	}
	for item, cents := range prices {
		if cents <= 0 {
			return fmt.Errorf("%s: %s costs %d cents", catalogueFile, item, cents)
		}
	}
	a.Add(catalogueFile, catalogueJSON)
	return nil
}
