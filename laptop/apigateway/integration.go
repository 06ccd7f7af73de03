package apigateway

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// maxIntegrationTimeout is the quota, and the default, of
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
const maxIntegrationTimeout = 30 * time.Second

// IntegrationInput is what AWS::ApiGatewayV2::Integration takes for a Lambda proxy:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-apigatewayv2-integration.html
type IntegrationInput struct {
	Description     string
	IntegrationType string // AWS_PROXY
	// IntegrationURI is the function's ARN, or the form
	// arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/ARN/invocations.
	IntegrationURI       string
	IntegrationMethod    string // "" or POST
	ConnectionType       string // "" or INTERNET
	PayloadFormatVersion string // 1.0 or 2.0
	TimeoutInMillis      int    // 50 to 30000; 0 means 30000
}

// Integration is a function behind routes. Its JSON is the one of GetIntegration.
type Integration struct {
	IntegrationID        string `json:"integrationId"`
	Description          string `json:"description,omitempty"`
	IntegrationType      string `json:"integrationType"`
	IntegrationURI       string `json:"integrationUri"`
	IntegrationMethod    string `json:"integrationMethod"`
	ConnectionType       string `json:"connectionType"`
	PayloadFormatVersion string `json:"payloadFormatVersion"`
	TimeoutInMillis      int    `json:"timeoutInMillis"`
}

var (
	functionARN = regexp.MustCompile(`^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9_$-]+)?$`)
	pathARN     = regexp.MustCompile(`^arn:aws[a-z-]*:apigateway:[a-z0-9-]+:lambda:path/2015-03-31/functions/(.+)/invocations$`)
)

// fromStage stands in place of a function's name or qualifier, or of a part of them: a stage variable.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-stages.html#http-api-stages.stage-variables-reference
var fromStage = regexp.MustCompile(`\$\{stageVariables\.(\w+)\}`)

// function is the ARN of the function that an integration's URI names, which may have stage variables
// in it.
func function(uri string) (arn string, ok bool) {
	if m := pathARN.FindStringSubmatch(uri); m != nil {
		uri = m[1]
	}
	return uri, functionARN.MatchString(fromStage.ReplaceAllString(uri, "x"))
}

// functionIn is the ARN of the function that a URI names in a stage with these variables.
func functionIn(uri string, variables map[string]string) (string, error) {
	arn, _ := function(uri)
	var missing []string
	arn = fromStage.ReplaceAllStringFunc(arn, func(placeholder string) string {
		name := fromStage.FindStringSubmatch(placeholder)[1]
		value, ok := variables[name]
		if !ok {
			missing = append(missing, name)
		}
		return value
	})
	switch {
	case missing != nil:
		return "", fmt.Errorf("the stage has no variable %s, which %s names", strings.Join(missing, ", "), uri)
	case !functionARN.MatchString(arn):
		return "", fmt.Errorf("with the stage's variables %s is %s, which is not the ARN of a function", uri, arn)
	}
	return arn, nil
}

func (in IntegrationInput) integration(id string) (Integration, error) {
	bad := func(format string, args ...any) (Integration, error) {
		return Integration{}, badRequest(format, args...)
	}
	if in.IntegrationType != "AWS_PROXY" {
		return bad("IntegrationType %q: on the laptop an HTTP API leads to Lambda functions only (AWS_PROXY)", in.IntegrationType)
	}
	if _, ok := function(in.IntegrationURI); !ok {
		return bad("IntegrationUri %q is not the ARN of a Lambda function", in.IntegrationURI)
	}
	if in.IntegrationMethod != "" && in.IntegrationMethod != "POST" {
		return bad("IntegrationMethod %q: Lambda is invoked by POST", in.IntegrationMethod)
	}
	if in.ConnectionType != "" && in.ConnectionType != "INTERNET" {
		return bad("ConnectionType %q: there are no VPC links on the laptop", in.ConnectionType)
	}
	if in.PayloadFormatVersion != "1.0" && in.PayloadFormatVersion != "2.0" {
		return bad("PayloadFormatVersion %q: it is 1.0 or 2.0", in.PayloadFormatVersion)
	}
	timeout := in.TimeoutInMillis
	if timeout == 0 {
		timeout = int(maxIntegrationTimeout.Milliseconds())
	}
	if timeout < 50 || timeout > int(maxIntegrationTimeout.Milliseconds()) {
		return bad("TimeoutInMillis is %d; an HTTP API takes 50 to 30000", in.TimeoutInMillis)
	}
	return Integration{
		IntegrationID: id, Description: in.Description, IntegrationType: in.IntegrationType,
		IntegrationURI: in.IntegrationURI, IntegrationMethod: "POST", ConnectionType: "INTERNET",
		PayloadFormatVersion: in.PayloadFormatVersion, TimeoutInMillis: timeout,
	}, nil
}

// CreateIntegration adds an integration to an API.
func (s *Service) CreateIntegration(apiID string, in IntegrationInput) (Integration, error) {
	out, err := in.integration(newID(7))
	if err != nil {
		return Integration{}, err
	}
	return out, s.change(apiID, func(r *record) error {
		r.Integrations[out.IntegrationID] = out
		return nil
	})
}

// UpdateIntegration replaces an integration.
func (s *Service) UpdateIntegration(apiID, integrationID string, in IntegrationInput) (Integration, error) {
	out, err := in.integration(integrationID)
	if err != nil {
		return Integration{}, err
	}
	return out, s.change(apiID, func(r *record) error {
		if _, err := lookup(r.Integrations, "Integration", integrationID); err != nil {
			return err
		}
		r.Integrations[integrationID] = out
		return nil
	})
}

// GetIntegration finds an integration.
func (s *Service) GetIntegration(apiID, integrationID string) (Integration, error) {
	return part(s.view, apiID, func(r *record) map[string]Integration { return r.Integrations }, "Integration", integrationID)
}

// ListIntegrations are an API's integrations, by their IDs.
func (s *Service) ListIntegrations(apiID string) ([]Integration, error) {
	return parts(s.view, apiID, func(r *record) map[string]Integration { return r.Integrations })
}

// DeleteIntegration removes an integration that no route leads to.
func (s *Service) DeleteIntegration(apiID, integrationID string) error {
	return s.change(apiID, func(r *record) error {
		if _, err := lookup(r.Integrations, "Integration", integrationID); err != nil {
			return err
		}
		for _, route := range r.Routes {
			if route.Target == integrationTarget+integrationID {
				return conflict("Cannot delete Integration %q, because it is referenced by route %q", integrationID, route.RouteKey)
			}
		}
		delete(r.Integrations, integrationID)
		return nil
	})
}
