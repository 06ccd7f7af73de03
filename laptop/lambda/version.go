package lambda

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// PublishInput says what is published, and what it must be. See
// https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
type PublishInput struct {
	// Description is the version's; empty takes $LATEST's.
	Description string
	// CodeSHA256 and RevisionID are those that $LATEST must have, unless they are empty.
	CodeSHA256, RevisionID string
	// Mark becomes Function.Mark.
	Mark string
	// To is LATEST_PUBLISHED for the version $LATEST.PUBLISHED of Managed Instances; empty is the next number.
	To string
}

// PublishVersion makes a version of what $LATEST is now, which never changes. If nothing has
// changed since the last version, that one is returned.
func (s *Service) PublishVersion(_ context.Context, name string, in PublishInput) (Function, error) {
	var published Function
	_, err := s.edit(name, func(fam *family, rec *record) error {
		f := fam.latest()
		switch {
		case f.missing != nil:
			return f.errMissing()
		case in.CodeSHA256 != "" && in.CodeSHA256 != rec.CodeSHA256:
			return awsproto.Errorf("InvalidParameterValueException",
				"CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). Please try again with the CodeSHA256 in $LATEST.", in.CodeSHA256, rec.CodeSHA256)
		case in.RevisionID != "" && in.RevisionID != rec.RevisionID:
			return errRevision()
		case len(in.Description) > 256:
			return awsproto.Errorf("InvalidParameterValueException", "description of %d characters: 256 at most", len(in.Description))
		}
		var err error
		published, err = rec.publishTo(publication{wanted: true, to: in.To}, in.Description, in.Mark)
		return err
	})
	return published.clone(), err
}

// publish adds a version of what $LATEST is, unless the last one is just that.
func (r *record) publish(description, mark string) Function {
	if n := len(r.Versions); n > 0 && sameVersion(r.Versions[n-1], r.Function) && r.Versions[n-1].Version == strconv.Itoa(r.LastVersion) {
		return r.Versions[n-1]
	}
	r.LastVersion++
	v := r.snapshot(strconv.Itoa(r.LastVersion), description, mark)
	r.Versions = append(r.Versions, v)
	return v
}

// snapshot is $LATEST as a version.
func (r *record) snapshot(version, description, mark string) Function {
	v := r.Function.clone()
	v.Version = version
	v.ARN = r.ARN + ":" + v.Version
	v.Policy, v.Tags, v.ReservedConcurrency = nil, nil, nil
	if description != "" {
		v.Description = description
	}
	v.RevisionID, v.Mark = awsproto.NewID(), mark
	return v
}

// sameVersion says that publishing f would only repeat v. A description alone is no change.
func sameVersion(v, f Function) bool { return sameEnvironment(v, f) && v.CodeSize == f.CodeSize }

// version is the index of a version, a number or $LATEST.PUBLISHED, or -1.
func (r *record) version(number string) int {
	return slices.IndexFunc(r.Versions, func(v Function) bool { return v.Version == number })
}

// Versions returns $LATEST, $LATEST.PUBLISHED if there is one, and then every version of a function in the order of their numbers.
func (s *Service) Versions(name string) ([]Function, error) {
	fam, _, err := s.family(name)
	if err != nil {
		return nil, err
	}
	rec := fam.record()
	all := []Function{rec.Function.clone()}
	for _, v := range rec.Versions {
		all = append(all, v.clone())
	}
	return all, nil
}

// deleteVersion removes a version that no alias points to.
func (s *Service) deleteVersion(name, qualifier string) error {
	_, err := s.edit(name, func(fam *family, rec *record) error {
		if qualifier == latest {
			return awsproto.Errorf("InvalidParameterValueException", "$LATEST version cannot be deleted without deleting the function.")
		}
		if !isNumber(qualifier) && qualifier != latestPublished {
			return awsproto.Errorf("InvalidParameterValueException", "qualifier %q: the number of a version; aliases are deleted by DeleteAlias", qualifier)
		}
		i := rec.version(qualifier)
		if i < 0 {
			return s.errNotFound(fam.name + ":" + qualifier)
		}
		for _, a := range rec.Aliases {
			if _, weighed := a.Weights[qualifier]; a.Version == qualifier || weighed {
				return &awsproto.Error{Code: "ResourceConflictException", Status: http.StatusConflict,
					Message: "Version " + qualifier + " of function " + fam.name + " is in use by alias " + a.Name + ": point the alias elsewhere first"}
			}
		}
		rec.Versions = slices.Delete(slices.Clone(rec.Versions), i, i+1)
		rec.forget(qualifier)
		return nil
	})
	return err
}

// forget removes what was configured for a qualifier that is no more.
func (r *record) forget(qualifier string) {
	r.URLs = slices.DeleteFunc(r.URLs, func(u FunctionURL) bool { return u.Qualifier == qualifier })
	r.Events = slices.DeleteFunc(r.Events, func(c EventInvokeConfig) bool { return c.Qualifier == qualifier })
	r.Provisioned = slices.DeleteFunc(r.Provisioned, func(p provisionedConfiguration) bool { return p.Qualifier == qualifier })
}

// policyOf is the resource policy of a qualifier and its revision, for one to look at and to
// replace. Permissions by version 1 do not hold for an alias of version 1.
func (r *record) policyOf(qualifier string) (policy *[]Permission, revision *string) {
	if a := r.aliasIndex(qualifier); a >= 0 {
		return &r.Aliases[a].Policy, &r.Aliases[a].RevisionID
	}
	if v := r.version(qualifier); v >= 0 {
		return &r.Versions[v].Policy, &r.Versions[v].RevisionID
	}
	return &r.Policy, &r.RevisionID
}

// cloneWeights is nil for no weights, as in a template that says none.
func cloneWeights(w map[string]float64) map[string]float64 {
	if len(w) == 0 {
		return nil
	}
	return maps.Clone(w)
}
