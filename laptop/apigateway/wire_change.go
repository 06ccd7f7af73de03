package apigateway

import (
	"net/http"
	"slices"
)

// create2 answers POST: on /v2/apis, or below one of them on a kind of part. Nothing means that
// there is no such call. The members of a body are the inputs' fields, in any case.
func (s *Service) create2(r *http.Request, id, kind string) (any, error) {
	switch kind {
	case "":
		return made(r, s.CreateAPI)
	case "routes":
		return made(r, func(in RouteInput) (Route, error) { return s.CreateRoute(id, in) })
	case "integrations":
		return made(r, func(in IntegrationInput) (Integration, error) { return s.CreateIntegration(id, in) })
	case "stages":
		return made(r, func(in StageInput) (Stage, error) { return s.CreateStage(id, in) })
	case "authorizers":
		return made(r, func(in AuthorizerInput) (Authorizer, error) { return s.CreateAuthorizer(id, in) })
	case "deployments":
		return made(r, func(in struct{ Description, StageName string }) (Deployment, error) {
			d, err := s.CreateDeployment(id, in.Description, in.StageName)
			return d.told(), err
		})
	}
	return nil, nil
}

// made reads a call's body and makes something of it.
func made[In, Out any](r *http.Request, create func(In) (Out, error)) (any, error) {
	var in In
	if err := decodeBody(r, &in); err != nil {
		return nil, err
	}
	return one(create(in))
}

// update2 answers PATCH: what the body does not name stays as it is.
func (s *Service) update2(r *http.Request, id, kind, name string) (any, error) {
	switch kind {
	case "":
		old, err := s.GetAPI(id)
		in := old.input()
		return patch(r, err, &in, func() (any, error) { return one(s.UpdateAPI(id, in)) })
	case "routes":
		old, err := s.GetRoute(id, name)
		in := old.input()
		return patch(r, err, &in, func() (any, error) { return one(s.UpdateRoute(id, name, in)) })
	case "integrations":
		old, err := s.GetIntegration(id, name)
		in := old.input()
		return patch(r, err, &in, func() (any, error) { return one(s.UpdateIntegration(id, name, in)) })
	case "stages":
		old, err := s.GetStage(id, name)
		in := old.input()
		return patch(r, err, &in, func() (any, error) { return one(s.UpdateStage(id, in)) })
	case "authorizers":
		old, err := s.GetAuthorizer(id, name)
		in := old.input()
		return patch(r, err, &in, func() (any, error) { return one(s.UpdateAuthorizer(id, name, in)) })
	}
	return nil, nil
}

// patch reads a call's body over an input that says what is there already.
func patch(r *http.Request, err error, in any, update func() (any, error)) (any, error) {
	if err == nil {
		err = decodeBody(r, in)
	}
	if err != nil {
		return nil, err
	}
	return update()
}

func (a API) input() APIInput {
	return APIInput{Name: a.Name, ProtocolType: a.ProtocolType, Description: a.Description, Version: a.Version,
		CorsConfiguration: a.CorsConfiguration.clone(), Tags: cloneMap(a.Tags)}
}

func (r Route) input() RouteInput {
	return RouteInput{RouteKey: r.RouteKey, Target: r.Target, AuthorizationType: r.AuthorizationType, AuthorizerID: r.AuthorizerID,
		AuthorizationScopes: slices.Clone(r.AuthorizationScopes), OperationName: r.OperationName}
}

func (i Integration) input() IntegrationInput {
	return IntegrationInput{Description: i.Description, IntegrationType: i.IntegrationType, IntegrationURI: i.IntegrationURI,
		IntegrationMethod: i.IntegrationMethod, ConnectionType: i.ConnectionType, PayloadFormatVersion: i.PayloadFormatVersion, TimeoutInMillis: i.TimeoutInMillis}
}

func (s Stage) input() StageInput {
	return StageInput{StageName: s.StageName, Description: s.Description, AutoDeploy: s.AutoDeploy, DeploymentID: s.DeploymentID,
		StageVariables: cloneMap(s.StageVariables), Tags: cloneMap(s.Tags),
		DefaultRouteSettings: s.DefaultRouteSettings, RouteSettings: cloneMap(s.RouteSettings)}
}

func (a Authorizer) input() AuthorizerInput {
	return AuthorizerInput{Name: a.Name, AuthorizerType: a.AuthorizerType, AuthorizerURI: a.AuthorizerURI,
		AuthorizerPayloadFormatVersion: a.AuthorizerPayloadFormatVersion, EnableSimpleResponses: a.EnableSimpleResponses,
		IdentitySource: slices.Clone(a.IdentitySource), AuthorizerResultTTLInSeconds: a.AuthorizerResultTTLInSeconds,
		JWTConfiguration: a.JWTConfiguration.clone()}
}

// told is a deployment without what it holds, which no call tells.
func (d Deployment) told() Deployment {
	d.Routes, d.Integrations = nil, nil
	return d
}

// ListDeployments are an API's deployments by their IDs.
func (s *Service) ListDeployments(apiID string) ([]Deployment, error) {
	return parts(s.view, apiID, func(r *record) map[string]Deployment { return r.Deployments })
}
