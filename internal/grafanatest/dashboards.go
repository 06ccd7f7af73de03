package grafanatest

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// https://grafana.com/docs/grafana/latest/developers/http_api/folder_dashboard_search/
func (s *Server) search(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := []map[string]string{}
	for _, uid := range slices.Sorted(maps.Keys(s.dashboards)) {
		_, title, err := name(s.dashboards[uid])
		if err != nil {
			answer(w, http.StatusInternalServerError, map[string]string{"message": err.Error()})
			return
		}
		if !strings.Contains(strings.ToLower(title), strings.ToLower(r.FormValue("query"))) {
			continue
		}
		hit := map[string]string{"uid": uid, "title": title, "type": "dash-db", "url": "/d/" + uid}
		if folder := s.folders[uid]; folder != "" {
			hit["folderUid"] = folder
		}
		found = append(found, hit)
	}
	answer(w, http.StatusOK, found)
}

// https://grafana.com/docs/grafana/latest/developers/http_api/dashboard/#create--update-dashboard
func (s *Server) save(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Dashboard json.RawMessage
		Overwrite bool
		FolderUID string
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"message": "bad request data"})
		return
	}
	uid, title, err := name(in.Dashboard)
	var numbers struct{ Version int }
	if err == nil {
		err = json.Unmarshal(in.Dashboard, &numbers)
	}
	if err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"message": err.Error()})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dashboards == nil {
		s.dashboards = map[string]json.RawMessage{}
	}
	if s.provisioned[uid] {
		answer(w, http.StatusBadRequest, map[string]string{"message": "Cannot save provisioned dashboard"})
		return
	}
	if _, there := s.titles[in.FolderUID]; !there && in.FolderUID != "" {
		answer(w, http.StatusBadRequest, map[string]string{"message": "folder not found"})
		return
	}
	if _, there := s.dashboards[uid]; there && !in.Overwrite && numbers.Version != s.versions[uid] {
		answer(w, http.StatusPreconditionFailed, map[string]string{"status": "version-mismatch", "message": "The dashboard has been changed by someone else"})
		return
	}
	if other := s.called(title, in.FolderUID, uid); other != "" && !in.Overwrite {
		answer(w, http.StatusPreconditionFailed, map[string]string{"status": "name-exists", "message": "A dashboard with the same name in the folder already exists"})
		return
	} else if other != "" {
		uid = other // as older ones have it: what is overwritten is the other
	}
	if s.versions == nil {
		s.versions = map[string]int{}
		s.folders = map[string]string{}
	}
	s.dashboards[uid] = in.Dashboard
	s.folders[uid] = in.FolderUID // none: "the dashboard(s) are moved to the root level"
	s.versions[uid]++
	answer(w, http.StatusOK, map[string]any{"uid": uid, "url": "/d/" + uid + "/" + uid, "status": "success", "version": s.versions[uid]})
}

// called is the UID of another dashboard of a title in a folder, "" if there is none. Since 11.3 there may be several.
//
// https://github.com/grafana/grafana/pull/90687
func (s *Server) called(title, folder, uid string) string {
	for other, text := range s.dashboards {
		if _, t, err := name(text); err == nil && other != uid && t == title && s.folders[other] == folder {
			return other
		}
	}
	return ""
}

// https://grafana.com/docs/grafana/latest/developers/http_api/dashboard/#get-dashboard-by-uid
func (s *Server) get(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, there := s.dashboards[r.PathValue("uid")]
	if !there {
		answer(w, http.StatusNotFound, map[string]string{"message": "Dashboard not found"})
		return
	}
	uid := r.PathValue("uid")
	// The model as it was saved, with the numbers that Grafana gives it.
	var model map[string]json.RawMessage
	if err := json.Unmarshal(text, &model); err != nil {
		answer(w, http.StatusInternalServerError, map[string]string{"message": err.Error()})
		return
	}
	model["id"], model["version"] = json.RawMessage("7"), json.RawMessage(strconv.Itoa(s.versions[uid]))
	answer(w, http.StatusOK, map[string]any{"dashboard": model, "meta": map[string]any{
		"version": s.versions[uid], "url": "/d/" + uid + "/" + uid, "folderUid": s.folders[uid], "provisioned": s.provisioned[uid]}})
}

// Version is how often a dashboard was saved, and the UID of the folder that it is in.
func (s *Server) Version(uid string) (version int, folder string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.versions[uid], s.folders[uid]
}

// Move puts a dashboard into a folder, which is made, as somebody does in their browser.
func (s *Server) Move(uid, folder string) {
	s.Folder(folder, folder)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.folders[uid] = folder
}
