package apigateway

import (
	"maps"
	"regexp"
	"slices"
	"time"
)

const defaultStage = "$default"

// StageInput is what AWS::ApiGatewayV2::Stage takes:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-apigatewayv2-stage.html
type StageInput struct {
	// StageName is "$default", which serves the API's root, or the first part of every path.
	StageName   string
	Description string
	// AutoDeploy serves every change of routes and integrations at once. Without it a stage
	// serves what the deployment named by DeploymentID holds, and nothing without one.
	AutoDeploy     bool
	DeploymentID   string
	StageVariables map[string]string
	// DefaultRouteSettings are every route's, unless RouteSettings has some under the route's key.
	DefaultRouteSettings RouteSettings
	RouteSettings        map[string]RouteSettings
	Tags                 map[string]string
}

// RouteSettings throttle a route: requests over them are answered with 429. Nil is no limit.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html
type RouteSettings struct {
	ThrottlingRateLimit  *float64 `json:"throttlingRateLimit,omitempty"` // requests a second
	ThrottlingBurstLimit *int     `json:"throttlingBurstLimit,omitempty"`
	// DetailedMetricsEnabled asks for CloudWatch's metrics; there are none, with or without it.
	DetailedMetricsEnabled bool `json:"detailedMetricsEnabled,omitempty"`
}

func (s RouteSettings) validate(of string) error {
	if s.ThrottlingRateLimit != nil && *s.ThrottlingRateLimit < 0 || s.ThrottlingBurstLimit != nil && *s.ThrottlingBurstLimit < 0 {
		return badRequest("%s: a throttling limit is not negative", of)
	}
	return nil
}

// limit is what a route of the stage may do.
func (s Stage) limit(routeKey string) *bucket {
	settings, ok := s.RouteSettings[routeKey]
	if !ok {
		settings = s.DefaultRouteSettings
	}
	return newBucket(settings.ThrottlingRateLimit, settings.ThrottlingBurstLimit)
}

// Stage is where an API is served. Its JSON is the one of GetStage.
type Stage struct {
	StageName       string            `json:"stageName"`
	Description     string            `json:"description,omitempty"`
	AutoDeploy      bool              `json:"autoDeploy"`
	DeploymentID    string            `json:"deploymentId,omitempty"`
	StageVariables  map[string]string `json:"stageVariables,omitempty"`
	CreatedDate     time.Time         `json:"createdDate"`
	LastUpdatedDate time.Time         `json:"lastUpdatedDate"`
	Tags            map[string]string `json:"tags,omitempty"`

	DefaultRouteSettings RouteSettings            `json:"defaultRouteSettings"`
	RouteSettings        map[string]RouteSettings `json:"routeSettings,omitempty"`
}

// Deployment is an API's routes and integrations as they were at one moment.
type Deployment struct {
	DeploymentID     string    `json:"deploymentId"`
	DeploymentStatus string    `json:"deploymentStatus"`
	Description      string    `json:"description,omitempty"`
	CreatedDate      time.Time `json:"createdDate"`

	Routes       map[string]Route       `json:"routes,omitempty"`
	Integrations map[string]Integration `json:"integrations,omitempty"`
}

var (
	stageName     = regexp.MustCompile(`^(\$default|[A-Za-z0-9_-]{1,128})$`)
	stageVariable = regexp.MustCompile(`^[A-Za-z0-9_]{1,64}$`)
)

func (in StageInput) put(r *record, created time.Time) (Stage, error) {
	if !stageName.MatchString(in.StageName) {
		return Stage{}, badRequest("Invalid stage name %q: $default, or letters, digits, hyphens and underscores", in.StageName)
	}
	if in.AutoDeploy && in.DeploymentID != "" {
		return Stage{}, badRequest("Stage %q: DeploymentId cannot be set with AutoDeploy", in.StageName)
	}
	if in.DeploymentID != "" {
		if _, err := lookup(r.Deployments, "Deployment", in.DeploymentID); err != nil {
			return Stage{}, err
		}
	}
	for name := range in.StageVariables {
		if !stageVariable.MatchString(name) {
			return Stage{}, badRequest("Stage variable %q: a name is letters, digits and underscores", name)
		}
	}
	if err := in.DefaultRouteSettings.validate("DefaultRouteSettings"); err != nil {
		return Stage{}, err
	}
	for key, settings := range in.RouteSettings {
		if !slices.ContainsFunc(values(r.Routes), func(route Route) bool { return route.RouteKey == key }) {
			return Stage{}, notFound("Route", key)
		}
		if err := settings.validate("RouteSettings " + key); err != nil {
			return Stage{}, err
		}
	}
	out := Stage{
		DefaultRouteSettings: in.DefaultRouteSettings, RouteSettings: maps.Clone(in.RouteSettings),
		StageName: in.StageName, Description: in.Description, AutoDeploy: in.AutoDeploy, DeploymentID: in.DeploymentID,
		StageVariables: maps.Clone(in.StageVariables), Tags: maps.Clone(in.Tags), CreatedDate: created, LastUpdatedDate: now(),
	}
	r.Stages[out.StageName] = out
	return out, nil
}

func (r *record) stages() map[string]Stage { return r.Stages }

// CreateStage adds a stage to an API.
func (s *Service) CreateStage(apiID string, in StageInput) (Stage, error) {
	return addStage(s.change, apiID, (*record).stages, in.StageName, func(r *record) (Stage, error) { return in.put(r, now()) })
}

// UpdateStage replaces the stage that the input names.
func (s *Service) UpdateStage(apiID string, in StageInput) (Stage, error) {
	return replaceStage(s.change, apiID, (*record).stages, in.StageName, func(r *record, old Stage) (Stage, error) { return in.put(r, old.CreatedDate) })
}

// GetStage finds a stage.
func (s *Service) GetStage(apiID, name string) (Stage, error) {
	return part(s.view, apiID, (*record).stages, "Stage", name)
}

// ListStages are an API's stages by name.
func (s *Service) ListStages(apiID string) ([]Stage, error) {
	return parts(s.view, apiID, (*record).stages)
}

// DeleteStage removes a stage.
func (s *Service) DeleteStage(apiID, name string) error {
	return removePart(s.change, apiID, (*record).stages, "Stage", name)
}

// CreateDeployment records the API as it is; stage, if not "", serves it from then on.
func (s *Service) CreateDeployment(apiID, description, stage string) (Deployment, error) {
	out := Deployment{DeploymentID: newID(6), DeploymentStatus: "DEPLOYED", Description: description, CreatedDate: now()}
	err := s.change(apiID, func(r *record) error {
		if len(r.Routes) == 0 {
			return badRequest("At least one route is required before deploying the API")
		}
		out.Routes, out.Integrations = maps.Clone(r.Routes), maps.Clone(r.Integrations)
		r.Deployments[out.DeploymentID] = out
		if stage == "" {
			return nil
		}
		st, err := lookup(r.Stages, "Stage", stage)
		if err != nil {
			return err
		}
		st.DeploymentID, st.LastUpdatedDate = out.DeploymentID, now()
		r.Stages[stage] = st
		return nil
	})
	return out, err
}

// GetDeployment finds a deployment.
func (s *Service) GetDeployment(apiID, deploymentID string) (Deployment, error) {
	return part(s.view, apiID, func(r *record) map[string]Deployment { return r.Deployments }, "Deployment", deploymentID)
}

// DeleteDeployment removes a deployment that no stage serves.
func (s *Service) DeleteDeployment(apiID, deploymentID string) error {
	return s.change(apiID, func(r *record) error {
		if _, err := lookup(r.Deployments, "Deployment", deploymentID); err != nil {
			return err
		}
		for _, st := range r.Stages {
			if st.DeploymentID == deploymentID && !st.AutoDeploy {
				return badRequest("Active stages pointing to this deployment must be moved or deleted: %s", st.StageName)
			}
		}
		delete(r.Deployments, deploymentID)
		return nil
	})
}
