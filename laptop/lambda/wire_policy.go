package lambda

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// statement is one statement of a policy document.
type statement struct {
	Sid       string
	Effect    string
	Principal any // "*", {"Service": …} or {"AWS": …}
	Action    string
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

func (p Permission) statement(arn string) statement {
	st := statement{Sid: p.StatementID, Effect: "Allow", Action: p.Action, Resource: arn}
	switch {
	case p.Principal == "*":
		st.Principal = "*"
	case strings.HasSuffix(p.Principal, ".amazonaws.com"):
		st.Principal = map[string]string{"Service": p.Principal}
	default:
		st.Principal = map[string]string{"AWS": p.Principal}
	}
	if p.SourceARN != "" || p.SourceAccount != "" {
		st.Condition = map[string]map[string]string{}
	}
	if p.SourceARN != "" {
		st.Condition["ArnLike"] = map[string]string{"AWS:SourceArn": p.SourceARN}
	}
	if p.SourceAccount != "" {
		st.Condition["StringEquals"] = map[string]string{"AWS:SourceAccount": p.SourceAccount}
	}
	return st
}

func (s *Service) serveAddPermission(w http.ResponseWriter, r *http.Request, name string) error {
	var in struct {
		StatementId, Action, Principal, SourceArn, SourceAccount string
	}
	if err := decode(w, r, &in); err != nil {
		return err
	}
	name = withQualifier(name, r.URL.Query().Get("Qualifier"))
	p := Permission{StatementID: in.StatementId, Action: in.Action, Principal: in.Principal, SourceARN: in.SourceArn, SourceAccount: in.SourceAccount}
	if err := s.AddPermission(name, p); err != nil {
		return err
	}
	f, err := s.Function(name)
	if err != nil {
		return err
	}
	text, err := json.Marshal(p.statement(f.ARN))
	if err != nil {
		return err
	}
	return awsproto.WriteJSON(w, http.StatusCreated, map[string]string{"Statement": string(text)})
}

func (s *Service) serveGetPolicy(w http.ResponseWriter, r *http.Request, name string) error {
	f, err := s.qualified(r, name)
	if err != nil {
		return err
	}
	if len(f.Policy) == 0 {
		return &awsproto.Error{Code: "ResourceNotFoundException", Message: "The resource you requested does not exist.", Status: http.StatusNotFound}
	}
	document := struct {
		Version   string
		Id        string
		Statement []statement
	}{Version: "2012-10-17", Id: "default"}
	for _, p := range f.Policy {
		document.Statement = append(document.Statement, p.statement(f.ARN))
	}
	text, err := json.Marshal(document)
	if err != nil {
		return err
	}
	return awsproto.WriteJSON(w, http.StatusOK, map[string]string{"Policy": string(text), "RevisionId": f.RevisionID})
}

func (s *Service) serveRemovePermission(w http.ResponseWriter, _ *http.Request, arg string) error {
	i := strings.LastIndexByte(arg, '/') // a function's name has no slash
	if err := s.RemovePermission(arg[:i], arg[i+1:]); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Service) servePutConcurrency(w http.ResponseWriter, r *http.Request, name string) error {
	var in struct{ ReservedConcurrentExecutions *int }
	if err := decode(w, r, &in); err != nil {
		return err
	}
	if in.ReservedConcurrentExecutions == nil {
		return awsproto.Errorf("InvalidParameterValueException", "ReservedConcurrentExecutions is missing")
	}
	_, err := s.change(r.Context(), name, Code{}, func(cfg *Function) error {
		cfg.ReservedConcurrency = in.ReservedConcurrentExecutions
		return nil
	})
	if err != nil {
		return err
	}
	return awsproto.WriteJSON(w, http.StatusOK, in)
}

func (s *Service) serveDeleteConcurrency(w http.ResponseWriter, r *http.Request, name string) error {
	_, err := s.change(r.Context(), name, Code{}, func(cfg *Function) error {
		cfg.ReservedConcurrency = nil
		return nil
	})
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Service) serveGetConcurrency(w http.ResponseWriter, _ *http.Request, name string) error {
	f, err := s.Function(name)
	if err != nil {
		return err
	}
	answer := map[string]int{}
	if f.ReservedConcurrency != nil {
		answer["ReservedConcurrentExecutions"] = *f.ReservedConcurrency
	}
	return awsproto.WriteJSON(w, http.StatusOK, answer)
}

func (s *Service) serveListTags(w http.ResponseWriter, _ *http.Request, arn string) error {
	f, err := s.Function(arn)
	if err != nil {
		return err
	}
	tags := f.Tags
	if tags == nil {
		tags = map[string]string{}
	}
	return awsproto.WriteJSON(w, http.StatusOK, map[string]any{"Tags": tags})
}

func (s *Service) serveTag(w http.ResponseWriter, r *http.Request, arn string) error {
	var in struct{ Tags map[string]string }
	if err := decode(w, r, &in); err != nil {
		return err
	}
	return s.editTags(w, r, arn, func(tags map[string]string) { maps.Copy(tags, in.Tags) })
}

func (s *Service) serveUntag(w http.ResponseWriter, r *http.Request, arn string) error {
	keys := r.URL.Query()["tagKeys"]
	return s.editTags(w, r, arn, func(tags map[string]string) {
		maps.DeleteFunc(tags, func(k, _ string) bool { return slices.Contains(keys, k) })
	})
}

func (s *Service) editTags(w http.ResponseWriter, r *http.Request, arn string, edit func(map[string]string)) error {
	_, err := s.change(r.Context(), arn, Code{}, func(cfg *Function) error {
		if cfg.Tags == nil {
			cfg.Tags = map[string]string{}
		}
		edit(cfg.Tags)
		return nil
	})
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
