package lambda

import (
	"net/http"
	"slices"
	"strings"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// urlAnswer is https://docs.aws.amazon.com/lambda/latest/api/API_FunctionUrlConfig.html
type urlAnswer struct {
	FunctionUrl, FunctionArn, AuthType, InvokeMode string
	Cors                                           *CORS `json:",omitempty"`
	CreationTime, LastModifiedTime                 string
}

func describeURL(u FunctionURL) urlAnswer {
	return urlAnswer{u.URL, u.ARN, u.AuthType, u.InvokeMode, u.CORS, wireTime(u.Created), wireTime(u.LastModified)}
}

// readURL reads what CreateFunctionUrlConfig and UpdateFunctionUrlConfig say.
func (s *Service) readURL(w http.ResponseWriter, r *http.Request, name string) (string, FunctionURLInput, error) {
	var in struct {
		AuthType, InvokeMode string
		Cors                 *CORS
	}
	if err := decode(w, r, &in); err != nil {
		return "", FunctionURLInput{}, err
	}
	name, err := s.said(r, name)
	return name, FunctionURLInput{AuthType: in.AuthType, InvokeMode: in.InvokeMode, CORS: in.Cors}, err
}

func (s *Service) serveCreateURL(w http.ResponseWriter, r *http.Request, name string) error {
	name, in, err := s.readURL(w, r, name)
	if err != nil {
		return err
	}
	u, err := s.CreateFunctionURL(r.Context(), name, in)
	if err != nil {
		return err
	}
	return awsproto.WriteJSON(w, http.StatusCreated, describeURL(u))
}

func (s *Service) serveUpdateURL(w http.ResponseWriter, r *http.Request, name string) error {
	name, in, err := s.readURL(w, r, name)
	if err != nil {
		return err
	}
	u, err := s.UpdateFunctionURL(r.Context(), name, in)
	if err != nil {
		return err
	}
	return awsproto.WriteJSON(w, http.StatusOK, describeURL(u))
}

func (s *Service) serveGetURL(w http.ResponseWriter, r *http.Request, name string) error {
	name, err := s.said(r, name)
	if err != nil {
		return err
	}
	u, err := s.FunctionURL(name)
	if err != nil {
		return err
	}
	return awsproto.WriteJSON(w, http.StatusOK, describeURL(u))
}

func (s *Service) serveListURLs(w http.ResponseWriter, r *http.Request, name string) error {
	fam, _, err := s.family(name)
	if err != nil {
		return err
	}
	var all []FunctionURL
	for _, u := range fam.record().URLs {
		u, err := s.withURL(u)
		if err != nil {
			return err
		}
		all = append(all, u)
	}
	slices.SortFunc(all, func(a, b FunctionURL) int { return strings.Compare(a.Qualifier, b.Qualifier) })
	return writePage(w, r, "FunctionUrlConfigs", 50, all,
		func(u FunctionURL) string { return "/" + u.Qualifier }, func(u FunctionURL) any { return describeURL(u) })
}

func (s *Service) serveDeleteURL(w http.ResponseWriter, r *http.Request, name string) error {
	name, err := s.said(r, name)
	if err != nil {
		return err
	}
	if err := s.DeleteFunctionURL(r.Context(), name); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
