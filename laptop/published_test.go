package laptop

import (
	"slices"
	"testing"

	"github.com/ephor-io/ephor/laptop/cloudformation"
)

// Where a provider does otherwise than AWS's schema says, and why.
func deviations() map[string]string {
	const immutable = "deployments cannot change here: another one takes its place, which nothing but a stage names"
	return map[string]string{
		"AWS::ApiGateway::Deployment Description replaces":   immutable,
		"AWS::ApiGateway::Deployment StageName replaces":     immutable,
		"AWS::ApiGatewayV2::Deployment Description replaces": immutable,
		"AWS::ApiGatewayV2::Deployment StageName replaces":   immutable,

		"AWS::ApiGateway::Method Integration is required":   "without one the method could not be deployed",
		"AWS::ApiGateway::RestApi Name is required":         "it comes with a Body, which is not supported",
		"AWS::ApiGatewayV2::Api Name is required":           "it comes with a Body, which is not supported",
		"AWS::ApiGatewayV2::Api ProtocolType is required":   "it comes with a Body, which is not supported",
		"AWS::ApiGateway::Stage StageName is required":      "a stage without a name has no address",
		"AWS::ApiGateway::Stage DeploymentId is required":   "a stage without one has nothing to serve",
		"AWS::EC2::EIPAssociation AllocationId is required": "addresses outside a VPC are not supported",
		"AWS::EC2::EIPAssociation InstanceId is required":   "network interfaces are not supported",
		"AWS::EC2::Volume AvailabilityZone is required":     "AvailabilityZoneId is not supported",
	}
}

// TestProvidersActAsPublished holds every resource type against what AWS publishes: its properties and
// attributes are AWS's, the required ones are required, and a change replaces where AWS's does.
func TestProvidersActAsPublished(t *testing.T) {
	t.Parallel()
	published, err := cloudformation.PublishedTypes()
	if err != nil {
		t.Fatal(err)
	}
	left := deviations()
	differs := func(what string) {
		t.Helper()
		if _, known := left[what]; !known {
			t.Errorf("%s, other than on AWS", what)
		}
		delete(left, what)
	}
	all := providers(services{}, "us-east-1")
	for kind, p := range cloudformation.OwnTypes() {
		all[kind] = p
	}
	for kind, provider := range all {
		as, ok := published[kind]
		if !ok {
			t.Errorf("published.json has no %s: go generate ./laptop/cloudformation", kind)
			continue
		}
		ours := provider.Schema()
		for _, name := range ours.Properties {
			createOnly := slices.Contains(ours.CreateOnly, name)
			switch {
			case !as.Has(name):
				t.Errorf("%s has no property %s on AWS", kind, name)
			case slices.Contains(as.Replace, name) && !createOnly:
				differs(kind + " " + name + " changes in place")
			case slices.Contains(as.Update, name) && createOnly:
				differs(kind + " " + name + " replaces")
			}
			if slices.Contains(ours.Required, name) && !slices.Contains(as.Required, name) {
				differs(kind + " " + name + " is required")
			}
		}
		for _, name := range slices.Concat(ours.Required, ours.CreateOnly) {
			if !slices.Contains(ours.Properties, name) {
				t.Errorf("%s: %s is no property", kind, name)
			}
		}
		for _, name := range as.Required {
			if !slices.Contains(ours.Properties, name) {
				t.Errorf("%s cannot be made without %s, which the laptop does not have", kind, name)
			}
		}
		for _, name := range ours.Attributes {
			if !slices.Contains(as.Attributes, name) {
				t.Errorf("%s has no attribute %s on AWS", kind, name)
			}
		}
	}
	for kind := range published {
		if all[kind] == nil {
			t.Errorf("published.json has %s, which nobody provides: go generate ./laptop/cloudformation", kind)
		}
	}
	for what := range left {
		t.Errorf("%s: it is no longer so, or the type is gone", what)
	}
}
