package grafanatest

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
)

// Folder makes a folder, as a file of provisioning does.
func (s *Server) Folder(uid, title string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.titles == nil {
		s.titles = map[string]string{}
	}
	s.titles[uid] = title
}

// https://grafana.com/docs/grafana/latest/developers/http_api/folder/
func (s *Server) addFolder(w http.ResponseWriter, r *http.Request) {
	var in struct{ UID, Title string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Title == "" || in.UID == "" {
		answer(w, http.StatusBadRequest, map[string]string{"message": "bad request data"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.titles[in.UID]; there {
		answer(w, http.StatusConflict, map[string]string{"message": "a folder of that UID is there"})
		return
	}
	for _, title := range s.titles {
		if title == in.Title { // of older ones alone, but who keeps to it is right with all
			answer(w, http.StatusConflict, map[string]string{"message": "a folder with the same name already exists"})
			return
		}
	}
	if s.titles == nil {
		s.titles = map[string]string{}
	}
	s.titles[in.UID] = in.Title
	answer(w, http.StatusOK, map[string]string{"uid": in.UID, "title": in.Title})
}

func (s *Server) getFolder(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	uid := r.PathValue("uid")
	title, there := s.titles[uid]
	if !there {
		answer(w, http.StatusNotFound, map[string]string{"message": "folder not found"})
		return
	}
	answer(w, http.StatusOK, map[string]string{"uid": uid, "title": title})
}

// listFolders has pages of so many, the first of which is 1.
func (s *Server) listFolders(w http.ResponseWriter, r *http.Request) {
	limit, err := strconv.Atoi(r.FormValue("limit"))
	page, perr := strconv.Atoi(r.FormValue("page"))
	if err != nil || perr != nil || limit < 1 || page < 1 {
		answer(w, http.StatusBadRequest, map[string]string{"message": "the stand-in wants limit and page"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []map[string]string{}
	for _, uid := range slices.Sorted(maps.Keys(s.titles)) {
		all = append(all, map[string]string{"uid": uid, "title": s.titles[uid]})
	}
	from := min((page-1)*limit, len(all))
	answer(w, http.StatusOK, all[from:min(from+limit, len(all))])
}
