package lambda

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// layerAnswer is https://docs.aws.amazon.com/lambda/latest/api/API_GetLayerVersion.html, and without
// Content and LayerArn https://docs.aws.amazon.com/lambda/latest/api/API_LayerVersionsListItem.html
type layerAnswer struct {
	Content                 *layerContent `json:",omitempty"`
	LayerArn                string        `json:",omitempty"`
	LayerVersionArn         string
	Description             string
	CreatedDate             string
	Version                 int
	CompatibleRuntimes      []string `json:",omitempty"`
	CompatibleArchitectures []string `json:",omitempty"`
	LicenseInfo             string   `json:",omitempty"`
}

// layerContent has no Location: the archive is not kept once it is unpacked.
type layerContent struct {
	CodeSha256 string
	CodeSize   int64
}

func describeLayer(v LayerVersion) layerAnswer {
	return layerAnswer{LayerVersionArn: v.ARN, Description: v.Description, CreatedDate: wireTime(v.Created), Version: v.Version,
		CompatibleRuntimes: v.CompatibleRuntimes, CompatibleArchitectures: v.CompatibleArchitectures, LicenseInfo: v.LicenseInfo}
}

func describeWholeLayer(v LayerVersion) layerAnswer {
	answer := describeLayer(v)
	answer.LayerArn, answer.Content = v.LayerARN, &layerContent{v.CodeSHA256, v.CodeSize}
	return answer
}

func (s *Service) servePublishLayer(w http.ResponseWriter, r *http.Request, name string) error {
	var in struct {
		Description, LicenseInfo                    string
		CompatibleRuntimes, CompatibleArchitectures []string
		Content                                     codeRequest
	}
	if err := decode(w, r, &in); err != nil {
		return err
	}
	v, err := s.PublishLayerVersion(r.Context(), LayerInput{Name: name, Description: in.Description, LicenseInfo: in.LicenseInfo,
		CompatibleRuntimes: in.CompatibleRuntimes, CompatibleArchitectures: in.CompatibleArchitectures, Content: in.Content.code()})
	if err != nil {
		return err
	}
	return awsproto.WriteJSON(w, http.StatusCreated, describeWholeLayer(v))
}

// layerPath divides what the path says, LAYER/VERSION and perhaps more.
func layerPath(arg string) (name string, version int, rest string, err error) {
	parts := strings.SplitN(arg, "/", 3)
	version, err = strconv.Atoi(parts[1])
	if err != nil {
		return "", 0, "", awsproto.Errorf("InvalidParameterValueException", "layer version %q: a number", parts[1])
	}
	if len(parts) == 3 {
		rest = parts[2]
	}
	return parts[0], version, rest, nil
}

func (s *Service) serveGetLayer(w http.ResponseWriter, _ *http.Request, arg string) error {
	name, version, _, err := layerPath(arg)
	if err != nil {
		return err
	}
	v, err := s.LayerVersion(name, version)
	if err != nil {
		return err
	}
	return awsproto.WriteJSON(w, http.StatusOK, describeWholeLayer(v))
}

func (s *Service) serveDeleteLayer(w http.ResponseWriter, _ *http.Request, arg string) error {
	name, version, _, err := layerPath(arg)
	if err != nil {
		return err
	}
	if err := s.DeleteLayerVersion(name, version); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Service) serveListLayerVersions(w http.ResponseWriter, r *http.Request, name string) error {
	return writePage(w, r, "LayerVersions", 50, compatible(r, s.LayerVersions(name)),
		func(v LayerVersion) string { return numberKey(1<<31 - v.Version) }, // the newest comes first
		func(v LayerVersion) any { return describeLayer(v) })
}

// serveListLayers is also GetLayerVersionByArn, which differs by ?find=LayerVersion.
func (s *Service) serveListLayers(w http.ResponseWriter, r *http.Request, _ string) error {
	if r.URL.Query().Get("find") == "LayerVersion" {
		v, err := s.LayerVersionByARN(r.URL.Query().Get("Arn"))
		if err != nil {
			return err
		}
		return awsproto.WriteJSON(w, http.StatusOK, describeWholeLayer(v))
	}
	return writePage(w, r, "Layers", 50, compatible(r, s.Layers()),
		func(v LayerVersion) string { return v.Name },
		func(v LayerVersion) any {
			return map[string]any{"LayerName": v.Name, "LayerArn": v.LayerARN, "LatestMatchingVersion": describeLayer(v)}
		})
}

// compatible are the layers that suit the runtime and architecture that a request asks for.
func compatible(r *http.Request, all []LayerVersion) []LayerVersion {
	runtime, architecture := r.URL.Query().Get("CompatibleRuntime"), r.URL.Query().Get("CompatibleArchitecture")
	return slices.DeleteFunc(all, func(v LayerVersion) bool {
		return runtime != "" && !slices.Contains(v.CompatibleRuntimes, runtime) ||
			architecture != "" && !slices.Contains(v.CompatibleArchitectures, architecture)
	})
}

func (p LayerPermission) statement(arn string) statement {
	st := statement{Sid: p.StatementID, Effect: "Allow", Action: p.Action, Resource: arn, Principal: p.Principal}
	if p.Principal != "*" {
		st.Principal = map[string]string{"AWS": "arn:aws:iam::" + p.Principal + ":root"}
	}
	if p.OrganizationID != "" {
		st.Condition = map[string]map[string]string{"StringEquals": {"aws:PrincipalOrgID": p.OrganizationID}}
	}
	return st
}

func (s *Service) serveAddLayerPermission(w http.ResponseWriter, r *http.Request, arg string) error {
	var in struct{ StatementId, Action, Principal, OrganizationId string }
	if err := decode(w, r, &in); err != nil {
		return err
	}
	name, version, _, err := layerPath(arg)
	if err != nil {
		return err
	}
	p := LayerPermission{StatementID: in.StatementId, Action: in.Action, Principal: in.Principal, OrganizationID: in.OrganizationId}
	v, err := s.AddLayerPermission(name, version, p, r.URL.Query().Get("RevisionId"))
	if err != nil {
		return err
	}
	text, err := json.Marshal(p.statement(v.ARN))
	if err != nil {
		return err
	}
	return awsproto.WriteJSON(w, http.StatusCreated, map[string]string{"Statement": string(text), "RevisionId": v.RevisionID})
}

func (s *Service) serveGetLayerPolicy(w http.ResponseWriter, _ *http.Request, arg string) error {
	name, version, _, err := layerPath(arg)
	if err != nil {
		return err
	}
	v, err := s.LayerVersion(name, version)
	if err != nil {
		return err
	}
	if len(v.Policy) == 0 {
		return &awsproto.Error{Code: "ResourceNotFoundException", Message: fmt.Sprintf("No policy is associated with the given resource %s.", v.ARN), Status: http.StatusNotFound}
	}
	statements := []statement{}
	for _, p := range v.Policy {
		statements = append(statements, p.statement(v.ARN))
	}
	return writePolicy(w, statements, v.RevisionID)
}

func (s *Service) serveRemoveLayerPermission(w http.ResponseWriter, r *http.Request, arg string) error {
	name, version, statement, err := layerPath(arg)
	if err != nil {
		return err
	}
	if err := s.RemoveLayerPermission(name, version, statement, r.URL.Query().Get("RevisionId")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
