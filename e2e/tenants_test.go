package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/ephor-io/ephor/internal/uptest"
)

// A stack with tenant isolation: its REST API takes the tenant from a header, every tenant has
// environments of its own, and without the property the function is another one.
func TestTenants(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c := newAccount(t, up(t, uptest.Root(t), helloProgram(t), filepath.Join(t.TempDir(), "state")))
	c.upload(ctx, "tenants", packaged(t, filepath.Join("testdata", "tenant.go")))
	template, err := os.ReadFile("testdata/tenant.yaml")
	if err != nil {
		t.Fatal(err)
	}
	name, parameter := aws.String("tenants"), []types.Parameter{{ParameterKey: aws.String("Architecture"), ParameterValue: aws.String(architecture())}}
	if _, err := c.stacks.CreateStack(ctx, &cloudformation.CreateStackInput{StackName: name, TemplateBody: aws.String(string(template)), Parameters: parameter,
		Capabilities: []types.Capability{types.CapabilityCapabilityIam}}); err != nil {
		t.Fatal(err)
	}
	o := c.becomes("tenants", types.StackStatusCreateComplete)
	get := func(tenant string) (int, string) {
		t.Helper()
		var headers []string
		if tenant != "" {
			headers = []string{"X-Tenant-Id", tenant}
		}
		got := ask(t, o["Url"], headers...)
		return got.status, got.body
	}
	for range 10 {
		for _, tenant := range []string{"blue", "green"} {
			status, body := get(tenant)
			_, served, _ := strings.Cut(body, " ")
			if status != 200 || strings.ReplaceAll(served+",", tenant+",", "") != "" {
				t.Fatalf("%s: %d %s", tenant, status, body)
			}
		}
	}
	const missing = `{"message":"The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request and try again."}`
	if status, body := get(""); status != 400 || body != missing {
		t.Errorf("without a tenant: %d %s", status, body)
	}
	out, err := c.lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String(o["Function"]), TenantId: aws.String("red"), Payload: []byte(`{}`)})
	if err != nil || !strings.Contains(string(out.Payload), ` red"`) {
		t.Errorf("%v %s", err, out.Payload)
	}

	plain := strings.Replace(string(template), "      TenancyConfig: {TenantIsolationMode: PER_TENANT}\n", "", 1)
	if _, err := c.stacks.UpdateStack(ctx, &cloudformation.UpdateStackInput{StackName: name, TemplateBody: &plain, Parameters: parameter,
		Capabilities: []types.Capability{types.CapabilityCapabilityIam}}); err != nil {
		t.Fatal(err)
	}
	after := c.becomes("tenants", types.StackStatusUpdateComplete)
	f, err := c.lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: aws.String(after["Function"])})
	if err != nil || f.TenancyConfig != nil || after["Function"] == o["Function"] {
		t.Errorf("%s became %s: %+v, %v", o["Function"], after["Function"], f, err)
	}
	var gone *lambdatypes.ResourceNotFoundException
	if _, err := c.lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String(o["Function"]), TenantId: aws.String("red")}); !errors.As(err, &gone) {
		t.Errorf("the function that was replaced: %v", err)
	}
}
