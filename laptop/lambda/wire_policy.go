package lambda

import (
	"encoding/json"
	"net/http"
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
	if p.SourceARN != "" || p.SourceAccount != "" || p.URLAuthType != "" || p.ViaURL {
		st.Condition = map[string]map[string]string{}
	}
	if p.SourceARN != "" {
		st.Condition["ArnLike"] = map[string]string{"AWS:SourceArn": p.SourceARN}
	}
	equals := map[string]string{}
	if p.SourceAccount != "" {
		equals["AWS:SourceAccount"] = p.SourceAccount
	}
	if p.URLAuthType != "" {
		equals["lambda:FunctionUrlAuthType"] = p.URLAuthType
	}
	if len(equals) > 0 {
		st.Condition["StringEquals"] = equals
	}
	if p.ViaURL {
		st.Condition["Bool"] = map[string]string{"lambda:InvokedViaFunctionUrl": "true"}
	}
	return st
}

func (s *Service) serveAddPermission(w http.ResponseWriter, r *http.Request, name string) error {
	var in struct {
		StatementId, Action, Principal, SourceArn, SourceAccount string
		FunctionUrlAuthType, RevisionId                          string
		InvokedViaFunctionUrl                                    bool
	}
	if err := decode(w, r, &in); err != nil {
		return err
	}
	name, err := s.said(r, name)
	if err != nil {
		return err
	}
	p := Permission{StatementID: in.StatementId, Action: in.Action, Principal: in.Principal, SourceARN: in.SourceArn, SourceAccount: in.SourceAccount,
		URLAuthType: in.FunctionUrlAuthType, ViaURL: in.InvokedViaFunctionUrl}
	if err := s.addPermission(name, p, in.RevisionId); err != nil {
		return err
	}
	text, err := json.Marshal(p.statement(s.arn(withQualifier(splitName(name)))))
	if err != nil {
		return err
	}
	return awsproto.WriteJSON(w, http.StatusCreated, map[string]string{"Statement": string(text)})
}

func (s *Service) serveGetPolicy(w http.ResponseWriter, r *http.Request, name string) error {
	name, err := s.said(r, name)
	if err != nil {
		return err
	}
	policy, revision, err := s.Policy(name)
	if err != nil {
		return err
	}
	if len(policy) == 0 {
		return errNoPolicy()
	}
	arn := s.arn(withQualifier(splitName(name)))
	statements := []statement{}
	for _, p := range policy {
		statements = append(statements, p.statement(arn))
	}
	return writePolicy(w, statements, revision)
}

func errNoPolicy() error {
	return &awsproto.Error{Code: "ResourceNotFoundException", Message: "The resource you requested does not exist.", Status: http.StatusNotFound}
}

// writePolicy answers with a policy, which goes over the wire as text in JSON.
func writePolicy(w http.ResponseWriter, statements []statement, revision string) error {
	text, err := json.Marshal(struct {
		Version   string
		Id        string
		Statement []statement
	}{"2012-10-17", "default", statements})
	if err != nil {
		return err
	}
	return awsproto.WriteJSON(w, http.StatusOK, map[string]string{"Policy": string(text), "RevisionId": revision})
}

func (s *Service) serveRemovePermission(w http.ResponseWriter, r *http.Request, arg string) error {
	i := strings.LastIndexByte(arg, '/') // a function's name has no slash
	name, err := s.said(r, arg[:i])
	if err != nil {
		return err
	}
	if err := s.removePermission(name, arg[i+1:], r.URL.Query().Get("RevisionId")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
