package cloudformation

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

const (
	namespace = "http://cloudformation.amazonaws.com/doc/2010-05-15/"
	version   = "2010-05-15"
	// maxRequest bounds a request's body in bytes: a template of 51,200, escaped, and parameters.
	maxRequest = 1 << 20
)

// call answers one action: its result, or nil for those that have none.
type call func(context.Context, form) (any, error)

// ServeHTTP answers a request of CloudFormation's API.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
	if err := r.ParseForm(); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			err = &awsproto.Error{Code: "RequestEntityTooLarge", Message: "Request size exceeds 1048576 bytes", Status: http.StatusRequestEntityTooLarge}
		} else {
			err = awsproto.Errorf("MalformedQueryString", "%v", err)
		}
		awsproto.WriteQueryError(w, namespace, err)
		return
	}
	f := form{values: r.Form}
	action := f.get("Action")
	calls := s.calls()
	do := calls[action]
	if do == nil || f.has("Version") && f.get("Version") != version {
		awsproto.WriteQueryError(w, namespace, awsproto.Errorf("InvalidAction", "Could not find operation %s for version %s: on this machine CloudFormation knows, of version %s, %s",
			action, f.get("Version"), version, strings.Join(slices.Sorted(maps.Keys(calls)), ", ")))
		return
	}
	if changing(action) {
		s.gate.RLock()
		defer s.gate.RUnlock()
	}
	result, err := do(r.Context(), f)
	if err != nil {
		awsproto.WriteQueryError(w, namespace, answer(err))
		return
	}
	// A caller that has gone cannot be told so.
	_ = awsproto.WriteQuery(w, namespace, action, result)
}

// changing says whether a call changes something.
func changing(name string) bool {
	return slices.Contains([]string{
		"CreateStack", "UpdateStack", "DeleteStack", "UpdateTerminationProtection",
		"CreateChangeSet", "ExecuteChangeSet", "DeleteChangeSet", "SignalResource",
	}, name)
}

// calls are all that this CloudFormation knows.
func (s *Service) calls() map[string]call {
	return map[string]call{
		"CreateStack":                 s.createStack,
		"UpdateStack":                 s.updateStack,
		"DeleteStack":                 s.deleteStackCall,
		"UpdateTerminationProtection": s.updateTerminationProtection,
		"DescribeStacks":              s.describeStacks,
		"ListStacks":                  s.listStacks,
		"CreateChangeSet":             s.createChangeSet,
		"DescribeChangeSet":           s.describeChangeSet,
		"ExecuteChangeSet":            s.executeChangeSet,
		"DeleteChangeSet":             s.deleteChangeSet,
		"ListChangeSets":              s.listChangeSets,
		"SignalResource":              s.signalResource,
		"DescribeStackEvents":         s.describeStackEvents,
		"DescribeStackResource":       s.describeStackResource,
		"DescribeStackResources":      s.describeStackResources,
		"ListStackResources":          s.listStackResources,
		"GetTemplate":                 s.getTemplate,
		"GetTemplateSummary":          s.getTemplateSummary,
		"ValidateTemplate":            s.validateTemplate,
		"ListExports":                 s.listExports,
		"ListImports":                 s.listImports,
	}
}
