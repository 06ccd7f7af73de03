package apigateway

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
	"time"
)

// RestStageInput is what AWS::ApiGateway::Stage takes:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigateway-stage.html
type RestStageInput struct {
	StageName      string
	DeploymentID   string
	Description    string
	Variables      map[string]string
	MethodSettings []MethodSetting
	Tags           map[string]string
}

// MethodSetting throttles methods: requests over it are answered with 429. Nil is no limit.
type MethodSetting struct {
	ResourcePath string `json:"-"` // /* for all, or a resource's path
	HTTPMethod   string `json:"-"` // * for all
	RouteSettings
}

// RestStage is where a deployment is served: the first part of every path. Its JSON is the one of
// GetStage; dates are seconds since 1970.
type RestStage struct {
	StageName       string                   `json:"stageName"`
	DeploymentID    string                   `json:"deploymentId"`
	Description     string                   `json:"description,omitempty"`
	Variables       map[string]string        `json:"variables,omitempty"`
	MethodSettings  map[string]MethodSetting `json:"methodSettings,omitempty"`
	CreatedDate     int64                    `json:"createdDate"`
	LastUpdatedDate int64                    `json:"lastUpdatedDate"`
	Tags            map[string]string        `json:"tags,omitempty"`
}

// RestDeployment is a REST API's resources as they were at one moment.
type RestDeployment struct {
	ID          string              `json:"id"`
	Description string              `json:"description,omitempty"`
	CreatedDate int64               `json:"createdDate"`
	Resources   map[string]Resource `json:"resources,omitempty"`
	// Authorizers are as they were, too.
	Authorizers map[string]RestAuthorizer `json:"authorizers,omitempty"`
}

// told is a deployment without what it holds, which no call tells.
func (d RestDeployment) told() RestDeployment {
	d.Resources, d.Authorizers = nil, nil
	return d
}

var restStageName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

// limit is what a method of the stage may do; the setting that names it most closely counts.
func (s RestStage) limit(path, method string) *bucket {
	for _, key := range []string{path + "/" + method, path + "/*", "*/" + method, "*/*"} {
		if set, ok := s.MethodSettings[key]; ok && (set.ThrottlingRateLimit != nil || set.ThrottlingBurstLimit != nil) {
			return newBucket(set.ThrottlingRateLimit, set.ThrottlingBurstLimit)
		}
	}
	return nil
}

func (in RestStageInput) put(r *restRecord, created int64) (RestStage, error) {
	if !restStageName.MatchString(in.StageName) {
		return RestStage{}, badRequest("Stage name %q: letters, digits, hyphens and underscores", in.StageName)
	}
	if _, err := lookup(r.Deployments, "Deployment", in.DeploymentID); err != nil {
		return RestStage{}, err
	}
	for name := range in.Variables {
		if !stageVariable.MatchString(name) {
			return RestStage{}, badRequest("Stage variable %q: a name is letters, digits and underscores", name)
		}
	}
	out := RestStage{StageName: in.StageName, DeploymentID: in.DeploymentID, Description: in.Description, Variables: maps.Clone(in.Variables),
		Tags: maps.Clone(in.Tags), CreatedDate: created, LastUpdatedDate: now().Unix()}
	for _, set := range in.MethodSettings {
		key := settingKey(set)
		if err := set.validate("MethodSettings " + key); err != nil {
			return RestStage{}, err
		}
		out.MethodSettings = put(out.MethodSettings, key, set)
	}
	r.Stages[out.StageName] = out
	return out, nil
}

// settingKey is a setting's key, the path with its method; of the path of all methods, "/*", the
// slash goes.
func settingKey(set MethodSetting) string {
	path := set.ResourcePath
	if path == "/*" || path == "" {
		path = "*"
	}
	method := set.HTTPMethod
	if method == "" {
		method = "*"
	}
	return path + "/" + method
}

func (r *restRecord) stages() map[string]RestStage { return r.Stages }

// CreateRestStage serves a deployment.
func (s *Service) CreateRestStage(apiID string, in RestStageInput) (RestStage, error) {
	return addStage(s.changeREST, apiID, (*restRecord).stages, in.StageName, func(r *restRecord) (RestStage, error) { return in.put(r, now().Unix()) })
}

// UpdateRestStage replaces the stage that the input names.
func (s *Service) UpdateRestStage(apiID string, in RestStageInput) (RestStage, error) {
	return replaceStage(s.changeREST, apiID, (*restRecord).stages, in.StageName, func(r *restRecord, old RestStage) (RestStage, error) { return in.put(r, old.CreatedDate) })
}

// GetRestStage finds a stage.
func (s *Service) GetRestStage(apiID, name string) (RestStage, error) {
	return part(s.viewREST, apiID, (*restRecord).stages, "Stage", name)
}

// ListRestStages are a REST API's stages by name.
func (s *Service) ListRestStages(apiID string) ([]RestStage, error) {
	return parts(s.viewREST, apiID, (*restRecord).stages)
}

// DeleteRestStage removes a stage.
func (s *Service) DeleteRestStage(apiID, name string) error {
	return removePart(s.changeREST, apiID, (*restRecord).stages, "Stage", name)
}

// CreateRestDeployment records the API as it is; stage, if not "", serves it from then on and is
// made if there is none of the name.
func (s *Service) CreateRestDeployment(apiID, description, stage string) (out RestDeployment, err error) {
	err = s.changeREST(apiID, func(r *restRecord) error {
		out = RestDeployment{ID: newID(6), Description: description, CreatedDate: now().Unix(), Resources: map[string]Resource{},
			Authorizers: maps.Clone(r.Authorizers)}
		for id, resource := range r.Resources {
			if len(resource.Methods) > 0 {
				resource.Methods = maps.Clone(resource.Methods)
				out.Resources[id] = resource
			}
		}
		if len(out.Resources) == 0 {
			return badRequest("The REST API doesn't contain any methods")
		}
		r.Deployments[out.ID] = out
		if stage == "" {
			return nil
		}
		if old, ok := r.Stages[stage]; ok {
			old.DeploymentID, old.LastUpdatedDate = out.ID, now().Unix()
			r.Stages[stage] = old
			return nil
		}
		_, err := RestStageInput{StageName: stage, DeploymentID: out.ID}.put(r, now().Unix())
		return err
	})
	return out, err
}

// GetRestDeployment finds a deployment.
func (s *Service) GetRestDeployment(apiID, id string) (RestDeployment, error) {
	return part(s.viewREST, apiID, func(r *restRecord) map[string]RestDeployment { return r.Deployments }, "Deployment", id)
}

// ListRestDeployments are a REST API's deployments by their IDs.
func (s *Service) ListRestDeployments(apiID string) ([]RestDeployment, error) {
	return parts(s.viewREST, apiID, func(r *restRecord) map[string]RestDeployment { return r.Deployments })
}

// DeleteRestDeployment removes a deployment that no stage serves.
func (s *Service) DeleteRestDeployment(apiID, id string) error {
	return s.changeREST(apiID, func(r *restRecord) error {
		if _, err := lookup(r.Deployments, "Deployment", id); err != nil {
			return err
		}
		for _, st := range r.Stages {
			if st.DeploymentID == id {
				return badRequest("Active stages pointing to this deployment must be moved or deleted: %s", st.StageName)
			}
		}
		delete(r.Deployments, id)
		return nil
	})
}

// compileREST makes the tables of a REST API. There is no default stage.
func compileREST(c *Config, r *restRecord) (*restTables, error) {
	t := &restTables{stages: map[string]*stageTable{}, binary: r.API.BinaryMediaTypes}
	for name, stage := range r.Stages {
		st := &stageTable{name: name, given: stage.Variables, variables: appendMap(nil, "stageVariables", stage.Variables), root: &node{}}
		shared := map[string]guard{} // by all methods of the stage, as the authorizers' caches are
		for id, a := range r.Deployments[stage.DeploymentID].Authorizers {
			shared[id] = a.guard(c, r.API.ID)
		}
		for _, resource := range values(r.Deployments[stage.DeploymentID].Resources) {
			for _, m := range values(resource.Methods) {
				to := &target{key: m.HTTPMethod + " " + resource.Path, path: resource.Path, resource: resource.ID, format1: true,
					limit: stage.limit(resource.Path, m.HTTPMethod), guard: restGuard(c, m, shared)}
				if m.MethodIntegration.Type == "MOCK" {
					var err error
					if to.mock, err = newMock(m); err != nil {
						return nil, fmt.Errorf("stage %s: %w", name, err)
					}
				} else {
					to.lead(m.MethodIntegration.URI, stage.Variables)
					to.timeout = time.Duration(m.MethodIntegration.TimeoutInMillis) * time.Millisecond
					to.tenant = m.MethodIntegration.tenantSource()
				}
				st.root.put(m.HTTPMethod, resource.Path, to)
			}
		}
		t.stages[name] = st
	}
	return t, nil
}

// restTables is what requests to one REST API are answered by; it never changes.
type restTables struct {
	stages map[string]*stageTable
	binary binaryTypes
}

// find chooses the stage, and in it by the path alone what is there by method. methods is nil if
// nothing is. A place that lacks the request's method is not passed over for another, as it is in an
// HTTP API.
func (t *restTables) find(path string) (st *stageTable, rest string, methods map[string]*target, values []string) {
	first, rest, _ := strings.Cut(path[1:], "/")
	if st = t.stages[first]; st == nil {
		return nil, "", nil, nil
	}
	methods, values = st.root.find("", rest, nil)
	return st, "/" + rest, methods, values
}
