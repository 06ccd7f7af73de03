package lambda

import (
	"net/http"
	"strings"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

func (s *Service) servePublishVersion(w http.ResponseWriter, r *http.Request, name string) error {
	var in struct{ CodeSha256, Description, RevisionId, PublishTo string }
	if err := decode(w, r, &in); err != nil {
		return err
	}
	v, err := s.PublishVersion(r.Context(), name, PublishInput{Description: in.Description, CodeSHA256: in.CodeSha256, RevisionID: in.RevisionId, To: in.PublishTo})
	if err != nil {
		return err
	}
	return awsproto.WriteJSON(w, http.StatusCreated, s.describe(v))
}

func (s *Service) serveListVersions(w http.ResponseWriter, r *http.Request, name string) error {
	all, err := s.Versions(name)
	if err != nil {
		return err
	}
	return writePage(w, r, "Versions", 50, all,
		func(f Function) string { return versionKey(f.Version) },
		func(f Function) any { return s.describe(s.inList(f)) })
}

// serveList is https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html
func (s *Service) serveList(w http.ResponseWriter, r *http.Request, _ string) error {
	var all []Function
	switch kind := r.URL.Query().Get("FunctionVersion"); kind {
	case "":
		all = s.Functions()
	case "ALL":
		for _, f := range s.Functions() {
			versions, err := s.Versions(f.Name)
			if err != nil { // it has been deleted in the meantime
				continue
			}
			all = append(all, versions...)
		}
	default:
		return awsproto.Errorf("InvalidParameterValueException", "FunctionVersion %q: ALL", kind)
	}
	if region := r.URL.Query().Get("MasterRegion"); region != "" && region != "ALL" && region != s.cfg.Region {
		all = nil // functions of Lambda@Edge, of which there are none
	}
	return writePage(w, r, "Functions", 50, all,
		func(f Function) string { return f.Name + "/" + versionKey(f.Version) },
		func(f Function) any {
			if r.URL.Query().Get("FunctionVersion") == "ALL" {
				f = s.inList(f)
			}
			return s.describe(f)
		})
}

// inList is a version as lists of versions have it, in which $LATEST is qualified too.
func (s *Service) inList(f Function) Function {
	if f.Version == latest {
		f.ARN = s.arn(f.Name + ":" + latest)
	}
	return f
}

// aliasAnswer is https://docs.aws.amazon.com/lambda/latest/api/API_AliasConfiguration.html
type aliasAnswer struct {
	AliasArn, Name, FunctionVersion, Description, RevisionId string
	RoutingConfig                                            *routing `json:",omitempty"`
}

type routing struct{ AdditionalVersionWeights map[string]float64 }

func describeAlias(a Alias) aliasAnswer {
	answer := aliasAnswer{AliasArn: a.ARN, Name: a.Name, FunctionVersion: a.Version, Description: a.Description, RevisionId: a.RevisionID}
	if len(a.Weights) > 0 {
		answer.RoutingConfig = &routing{a.Weights}
	}
	return answer
}

// aliasRequest is what CreateAlias and UpdateAlias have in common.
type aliasRequest struct {
	FunctionVersion string
	Description     *string
	RoutingConfig   *routing
}

func (q aliasRequest) input(name string) AliasInput {
	in := AliasInput{Name: name, Version: q.FunctionVersion, Description: q.Description}
	if q.RoutingConfig != nil {
		in.Weights = q.RoutingConfig.AdditionalVersionWeights
		if in.Weights == nil {
			in.Weights = map[string]float64{}
		}
	}
	return in
}

func (s *Service) serveCreateAlias(w http.ResponseWriter, r *http.Request, function string) error {
	var in struct {
		Name string
		aliasRequest
	}
	if err := decode(w, r, &in); err != nil {
		return err
	}
	a, err := s.CreateAlias(r.Context(), function, in.input(in.Name))
	if err != nil {
		return err
	}
	return awsproto.WriteJSON(w, http.StatusCreated, describeAlias(a))
}

// aliasPath divides what the path says, FUNCTION/ALIAS.
func aliasPath(arg string) (function, name string) {
	i := strings.LastIndexByte(arg, '/') // a function's name has no slash
	return arg[:i], arg[i+1:]
}

func (s *Service) serveUpdateAlias(w http.ResponseWriter, r *http.Request, arg string) error {
	var in struct {
		RevisionId string
		aliasRequest
	}
	if err := decode(w, r, &in); err != nil {
		return err
	}
	function, name := aliasPath(arg)
	update := in.input(name)
	update.RevisionID = in.RevisionId
	a, err := s.UpdateAlias(r.Context(), function, update)
	if err != nil {
		return err
	}
	return awsproto.WriteJSON(w, http.StatusOK, describeAlias(a))
}

func (s *Service) serveGetAlias(w http.ResponseWriter, _ *http.Request, arg string) error {
	a, err := s.Alias(aliasPath(arg))
	if err != nil {
		return err
	}
	return awsproto.WriteJSON(w, http.StatusOK, describeAlias(a))
}

func (s *Service) serveListAliases(w http.ResponseWriter, r *http.Request, function string) error {
	all, err := s.Aliases(function)
	if err != nil {
		return err
	}
	if version := r.URL.Query().Get("FunctionVersion"); version != "" {
		var of []Alias
		for _, a := range all {
			if _, weighed := a.Weights[version]; weighed || a.Version == version {
				of = append(of, a)
			}
		}
		all = of
	}
	return writePage(w, r, "Aliases", 50, all, func(a Alias) string { return a.Name }, func(a Alias) any { return describeAlias(a) })
}

func (s *Service) serveDeleteAlias(w http.ResponseWriter, r *http.Request, arg string) error {
	function, name := aliasPath(arg)
	if err := s.DeleteAlias(r.Context(), function, name); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
