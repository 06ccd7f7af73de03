package lambda

import (
	"context"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// Alias is a name for a version, or for two among which invocations are divided. See
// https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html
type Alias struct {
	Name        string
	ARN         string
	Version     string // $LATEST, $LATEST.PUBLISHED or a number
	Description string
	// Weights is the part of the invocations that another version gets, from 0 to 1; the rest goes
	// to Version. One entry at most.
	Weights    map[string]float64
	RevisionID string // changes with every change of the alias or its policy
	Policy     []Permission
	Mark       string // by which whoever made it knows it; not shown
}

func (a Alias) clone() Alias {
	a.Weights = cloneWeights(a.Weights)
	a.Policy = slices.Clone(a.Policy)
	return a
}

// pick is the version that one invocation goes to.
func (a Alias) pick() string {
	for version, weight := range a.Weights {
		if rand.Float64() < weight {
			return version
		}
	}
	return a.Version
}

// AliasInput is an alias as it is to be. A field of an update that is zero keeps what there is;
// weights that are empty and not nil go.
type AliasInput struct {
	Name, Version string
	Description   *string
	Weights       map[string]float64
	// RevisionID is the one that the alias must have before an update, unless it is empty.
	RevisionID string
	// Mark becomes Alias.Mark when it is made.
	Mark string
}

var validAlias = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)

func (r *record) aliasIndex(name string) int {
	return slices.IndexFunc(r.Aliases, func(a Alias) bool { return a.Name == name })
}

func (r *record) alias(name string) (Alias, bool) {
	if i := r.aliasIndex(name); i >= 0 {
		return r.Aliases[i], true
	}
	return Alias{}, false
}

// check says what is wrong with an alias of this function.
func (r *record) check(a Alias) error {
	bad := func(format string, args ...any) error {
		return awsproto.Errorf("InvalidParameterValueException", format, args...)
	}
	exists := func(version string) error {
		if version == latest || r.version(version) >= 0 {
			return nil
		}
		return &awsproto.Error{Code: "ResourceNotFoundException", Message: "Function not found: " + r.ARN + ":" + version, Status: http.StatusNotFound}
	}
	switch {
	case !validAlias.MatchString(a.Name) || isNumber(a.Name):
		return bad("alias name %q: letters, digits, hyphens and underscores, 128 at most, and not only digits", a.Name)
	case len(a.Description) > 256:
		return bad("description of %d characters: 256 at most", len(a.Description))
	case len(a.Weights) > 1:
		return bad("Number of items in AdditionalVersionWeights cannot be greater than 1")
	}
	if err := exists(a.Version); err != nil {
		return err
	}
	for version, weight := range a.Weights {
		switch {
		case version == latest || a.Version == latest:
			return bad("$LATEST is not supported for an alias pointing to more than 1 version")
		case version == a.Version:
			return bad("Invalid function version %s. Function version %s is already included in routing configuration.", version, version)
		case version == latestPublished:
			return bad("the weight of %s: AdditionalVersionWeights are of numbered versions", version)
		case weight < 0 || weight > 1:
			return bad("the weight %v of version %s: from 0 to 1", weight, version)
		}
		if err := exists(version); err != nil {
			return err
		}
	}
	return nil
}

// CreateAlias makes an alias of a version.
func (s *Service) CreateAlias(_ context.Context, function string, in AliasInput) (Alias, error) {
	var made Alias
	_, err := s.edit(function, func(_ *family, rec *record) error {
		made = Alias{Name: in.Name, ARN: rec.ARN + ":" + in.Name, Version: in.Version,
			Weights: cloneWeights(in.Weights), RevisionID: awsproto.NewID(), Mark: in.Mark}
		if in.Description != nil {
			made.Description = *in.Description
		}
		if err := rec.check(made); err != nil {
			return err
		}
		if rec.aliasIndex(in.Name) >= 0 {
			return &awsproto.Error{Code: "ResourceConflictException", Message: "Alias already exists: " + made.ARN, Status: http.StatusConflict}
		}
		rec.Aliases = append(rec.Aliases, made)
		slices.SortFunc(rec.Aliases, func(a, b Alias) int { return strings.Compare(a.Name, b.Name) })
		return nil
	})
	return made.clone(), err
}

// UpdateAlias changes an alias; invocations from then on follow it.
func (s *Service) UpdateAlias(_ context.Context, function string, in AliasInput) (Alias, error) {
	var made Alias
	_, err := s.edit(function, func(_ *family, rec *record) error {
		i := rec.aliasIndex(in.Name)
		if i < 0 {
			return errNoAlias(rec.ARN, in.Name)
		}
		made = rec.Aliases[i].clone()
		if in.RevisionID != "" && in.RevisionID != made.RevisionID {
			return errRevision()
		}
		if in.Version != "" {
			made.Version = in.Version
		}
		if in.Description != nil {
			made.Description = *in.Description
		}
		if in.Weights != nil {
			made.Weights = cloneWeights(in.Weights)
		}
		if err := rec.check(made); err != nil {
			return err
		}
		made.RevisionID = awsproto.NewID()
		rec.Aliases[i] = made
		return rec.checkProvisioned(in.Name)
	})
	return made.clone(), err
}

// Alias returns an alias, or ResourceNotFoundException.
func (s *Service) Alias(function, name string) (Alias, error) {
	fam, _, err := s.family(function)
	if err != nil {
		return Alias{}, err
	}
	a, ok := fam.record().alias(name)
	if !ok {
		return Alias{}, errNoAlias(fam.record().ARN, name)
	}
	return a.clone(), nil
}

// Aliases returns the aliases of a function by name.
func (s *Service) Aliases(function string) ([]Alias, error) {
	fam, _, err := s.family(function)
	if err != nil {
		return nil, err
	}
	var all []Alias
	for _, a := range fam.record().Aliases {
		all = append(all, a.clone())
	}
	return all, nil
}

// DeleteAlias removes an alias and what is configured for it; one that is not there is no error.
func (s *Service) DeleteAlias(_ context.Context, function, name string) error {
	_, err := s.edit(function, func(_ *family, rec *record) error {
		rec.Aliases = slices.DeleteFunc(rec.Aliases, func(a Alias) bool { return a.Name == name })
		rec.forget(name)
		return nil
	})
	return err
}

func errNoAlias(arn, name string) error {
	return &awsproto.Error{Code: "ResourceNotFoundException", Message: "Cannot find alias arn: " + arn + ":" + name, Status: http.StatusNotFound}
}
