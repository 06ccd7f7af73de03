package grafanatest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
)

// Group is a group of alert rules, as the API has it, as far as we look at it.
//
// https://grafana.com/docs/grafana/latest/developers/http_api/alerting_provisioning/
type Group struct {
	Title, FolderUID string
	Interval         int
	Rules            []Rule
}

// Rule is an alert rule.
type Rule struct {
	UID, Title, Condition, For, NoDataState, ExecErrState string
	OrgID                                                 int
	FolderUID, RuleGroup                                  string
	Data                                                  []struct {
		RefID, DatasourceUID string
		Model                map[string]any
	}
}

// Check is what the documentation requires of a rule, in a file as well as over the API.
func (r Rule) Check() error {
	found := false
	for _, d := range r.Data {
		found = found || d.RefID == r.Condition
	}
	if r.UID == "" || len(r.UID) > 40 || r.Title == "" || r.For == "" || !found {
		return fmt.Errorf("rule %q: uid, title, for, and a condition that is one of its data, are required", r.UID)
	}
	return nil
}

// Groups are the groups of alert rules by folder and name, as in "ephor/Shop".
func (s *Server) Groups() map[string]Group {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.groups)
}

func (s *Server) getGroup(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	group, there := s.groups[r.PathValue("folder")+"/"+r.PathValue("group")]
	s.mu.Unlock()
	if !there {
		answer(w, http.StatusNotFound, map[string]string{"message": "rule group not found"})
		return
	}
	answer(w, http.StatusOK, group)
}

func (s *Server) putGroup(w http.ResponseWriter, r *http.Request) {
	bad := func(text string) { answer(w, http.StatusBadRequest, map[string]string{"message": text}) }
	var in Group
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		bad("bad request data")
		return
	}
	folder, name := r.PathValue("folder"), r.PathValue("group")
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.titles[folder]; !there {
		answer(w, http.StatusNotFound, map[string]string{"message": "folder does not exist"})
		return
	}
	if in.Title != name || in.FolderUID != folder || in.Interval < 10 || in.Interval%10 != 0 {
		bad("the group is another, or its interval is not a multiple of 10 s")
		return
	}
	for _, rule := range in.Rules {
		if err := rule.Check(); err != nil {
			bad(err.Error())
			return
		}
		if rule.OrgID == 0 || rule.FolderUID != folder || rule.RuleGroup != name || rule.NoDataState == "" || rule.ExecErrState == "" {
			bad(fmt.Sprintf("rule %q: orgID, folderUID, ruleGroup, noDataState and execErrState are required", rule.UID))
			return
		}
		for at, other := range s.groups {
			if at != folder+"/"+name && slices.ContainsFunc(other.Rules, func(o Rule) bool { return o.UID == rule.UID }) {
				answer(w, http.StatusConflict, map[string]string{"message": "a rule of the UID " + rule.UID + " is in " + at})
				return
			}
		}
		if at := s.titled(rule, in, folder+"/"+name); at != "" {
			answer(w, http.StatusConflict, map[string]string{"message": "rule title under the same organisation and folder should be unique: " + rule.Title + " is in " + at})
			return
		}
		for _, d := range rule.Data {
			if _, there := s.sources[d.DatasourceUID]; !there && d.DatasourceUID != "__expr__" {
				bad("data source " + d.DatasourceUID + " not found")
				return
			}
		}
	}
	if s.groups == nil {
		s.groups = map[string]Group{}
	}
	s.groups[folder+"/"+name] = in
	answer(w, http.StatusOK, in)
}

// titled is where another rule of a rule's folder has its title, in the group that is put at a place or in another; "" is nowhere.
func (s *Server) titled(rule Rule, in Group, put string) string {
	other := func(o Rule) bool { return o.UID != rule.UID && o.Title == rule.Title }
	if slices.ContainsFunc(in.Rules, other) {
		return put
	}
	for at, g := range s.groups {
		if at != put && g.FolderUID == rule.FolderUID && slices.ContainsFunc(g.Rules, other) {
			return at
		}
	}
	return ""
}

func (s *Server) deleteGroup(w http.ResponseWriter, r *http.Request) {
	at := r.PathValue("folder") + "/" + r.PathValue("group")
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.groups[at]; !there {
		answer(w, http.StatusNotFound, map[string]string{"message": "rule group not found"})
		return
	}
	delete(s.groups, at)
	w.WriteHeader(http.StatusNoContent)
}
