package iam

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

const namespace = "https://iam.amazonaws.com/doc/2010-05-08/"

// ServeHTTP answers the query protocol: https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	action := r.FormValue("Action")
	serve := actions[action]
	if serve == nil {
		awsproto.WriteQueryError(w, namespace, awsproto.Errorf("InvalidAction",
			"Could not find operation %s for version %s: on the laptop IAM knows %s", action, r.FormValue("Version"),
			strings.Join(slices.Sorted(maps.Keys(actions)), ", ")))
		return
	}
	out, err := serve(s, r)
	if err == nil {
		err = awsproto.WriteQuery(w, namespace, action, out)
	}
	if err != nil {
		awsproto.WriteQueryError(w, namespace, err)
	}
}

var actions = map[string]func(*Service, *http.Request) (any, error){
	"CreateRole":               (*Service).serveCreateRole,
	"DeleteRole":               (*Service).serveDeleteRole,
	"GetRole":                  (*Service).serveGetRole,
	"GetRolePolicy":            (*Service).serveGetRolePolicy,
	"GetInstanceProfile":       (*Service).serveGetInstanceProfile,
	"ListAttachedRolePolicies": (*Service).serveListAttachedRolePolicies,
	"ListRolePolicies":         (*Service).serveListRolePolicies,
	"ListRoles":                (*Service).serveListRoles,
}

type roleXML struct {
	Path                     string
	RoleName                 string
	RoleID                   string `xml:"RoleId"`
	Arn                      string
	CreateDate               string
	AssumeRolePolicyDocument string
	Description              string `xml:",omitempty"`
	MaxSessionDuration       int
	PermissionsBoundary      *boundaryXML `xml:",omitempty"`
	Tags                     []tagXML     `xml:"Tags>member"`
}

type boundaryXML struct{ PermissionsBoundaryType, PermissionsBoundaryArn string }

type tagXML struct{ Key, Value string }

func toXML(r Role) roleXML {
	out := roleXML{
		Path: r.Path, RoleName: r.RoleName, RoleID: r.RoleID, Arn: r.Arn, CreateDate: r.CreateDate.Format(time.RFC3339),
		AssumeRolePolicyDocument: escape(r.AssumeRolePolicyDocument), Description: r.Description, MaxSessionDuration: r.MaxSessionDuration,
	}
	if r.PermissionsBoundary != "" {
		out.PermissionsBoundary = &boundaryXML{"Policy", r.PermissionsBoundary}
	}
	for _, k := range slices.Sorted(maps.Keys(r.Tags)) {
		out.Tags = append(out.Tags, tagXML{k, r.Tags[k]})
	}
	return out
}

// escape encodes a document as IAM does in answers, by RFC 3986.
func escape(document string) string { return strings.ReplaceAll(url.QueryEscape(document), "+", "%20") }

func (s *Service) serveCreateRole(r *http.Request) (any, error) {
	in := RoleInput{
		RoleName: r.FormValue("RoleName"), Path: r.FormValue("Path"), Description: r.FormValue("Description"),
		AssumeRolePolicyDocument: r.FormValue("AssumeRolePolicyDocument"), PermissionsBoundary: r.FormValue("PermissionsBoundary"),
		Tags: map[string]string{},
	}
	if v := r.FormValue("MaxSessionDuration"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			return nil, invalid("maxSessionDuration is %q; it is a number of seconds", v)
		}
		in.MaxSessionDuration = n
	}
	for i := 1; ; i++ {
		key := r.FormValue("Tags.member." + strconv.Itoa(i) + ".Key")
		if key == "" {
			break
		}
		in.Tags[key] = r.FormValue("Tags.member." + strconv.Itoa(i) + ".Value")
	}
	role, err := s.CreateRole(in)
	return struct{ Role roleXML }{toXML(role)}, err
}

// serveDeleteRole is stricter than DeleteRole, as the service is with everybody but CloudFormation.
func (s *Service) serveDeleteRole(r *http.Request) (any, error) {
	role, err := s.GetRole(r.FormValue("RoleName"))
	switch {
	case err != nil:
		return nil, err
	case len(role.ManagedPolicyArns) > 0:
		return nil, deleteConflict("Cannot delete entity, must detach all policies first.")
	case len(role.Policies) > 0:
		return nil, deleteConflict("Cannot delete entity, must delete policies first.")
	}
	return nil, s.DeleteRole(role.RoleName)
}

func (s *Service) serveGetRole(r *http.Request) (any, error) {
	role, err := s.GetRole(r.FormValue("RoleName"))
	return struct{ Role roleXML }{toXML(role)}, err
}

func (s *Service) serveListRoles(r *http.Request) (any, error) {
	out := struct {
		Roles       []roleXML `xml:"Roles>member"`
		IsTruncated bool
	}{}
	for _, role := range s.ListRoles() {
		if strings.HasPrefix(role.Path, r.FormValue("PathPrefix")) {
			out.Roles = append(out.Roles, toXML(role))
		}
	}
	return out, nil
}

func (s *Service) serveListAttachedRolePolicies(r *http.Request) (any, error) {
	role, err := s.GetRole(r.FormValue("RoleName"))
	type policy struct{ PolicyName, PolicyArn string }
	out := struct {
		AttachedPolicies []policy `xml:"AttachedPolicies>member"`
		IsTruncated      bool
	}{}
	for _, arn := range role.ManagedPolicyArns {
		out.AttachedPolicies = append(out.AttachedPolicies, policy{arn[strings.LastIndex(arn, "/")+1:], arn})
	}
	return out, err
}

func (s *Service) serveListRolePolicies(r *http.Request) (any, error) {
	role, err := s.GetRole(r.FormValue("RoleName"))
	return struct {
		PolicyNames []string `xml:"PolicyNames>member"`
		IsTruncated bool
	}{PolicyNames: slices.Sorted(maps.Keys(role.Policies))}, err
}

func (s *Service) serveGetRolePolicy(r *http.Request) (any, error) {
	role, err := s.GetRole(r.FormValue("RoleName"))
	if err != nil {
		return nil, err
	}
	name := r.FormValue("PolicyName")
	document, ok := role.Policies[name]
	if !ok {
		return nil, noSuchEntity("role policy", name)
	}
	return struct{ RoleName, PolicyName, PolicyDocument string }{role.RoleName, name, escape(document)}, nil
}

func (s *Service) serveGetInstanceProfile(r *http.Request) (any, error) {
	p, err := s.GetInstanceProfile(r.FormValue("InstanceProfileName"))
	if err != nil {
		return nil, err
	}
	type profile struct {
		Path                string
		InstanceProfileName string
		InstanceProfileID   string `xml:"InstanceProfileId"`
		Arn                 string
		CreateDate          string
		Roles               []roleXML `xml:"Roles>member"`
	}
	out := profile{Path: p.Path, InstanceProfileName: p.InstanceProfileName, InstanceProfileID: p.InstanceProfileID, Arn: p.Arn,
		CreateDate: p.CreateDate.Format(time.RFC3339)}
	for _, name := range p.Roles {
		role, err := s.GetRole(name)
		if err != nil {
			return nil, err
		}
		out.Roles = append(out.Roles, toXML(role))
	}
	return struct{ InstanceProfile profile }{out}, nil
}
