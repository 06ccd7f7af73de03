package grafanatest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Contacts is a file of contact points and policies.
//
// https://grafana.com/docs/grafana/latest/alerting/set-up/provision-alerting-resources/file-provisioning/
type Contacts struct {
	ContactPoints []struct {
		OrgID     int
		Name      string
		Receivers []Receiver
	}
	Policies []struct {
		OrgID    int
		Receiver string
	}
	ResetPolicies       []int
	DeleteContactPoints []struct{ UID string }
}

// Receiver is one of a contact point's.
type Receiver struct {
	Name     string         `json:"name"`
	Type     string         `json:"type"`
	UID      string         `json:"uid"`
	Settings map[string]any `json:"settings,omitempty"`
}

// Reach does what a file says: what has a UID that is there takes its place, and what is no longer in a file stays until
// a file deletes it. A policy's receiver has to be there.
func (s *Server) Reach(file Contacts) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range file.ContactPoints {
		for _, r := range p.Receivers {
			r.Name = p.Name
			if p.Name == "" || r.UID == "" || r.Type == "" || len(r.Settings) == 0 {
				return fmt.Errorf("contact point %q: a name, and of receivers uid, type and settings, are required", p.Name)
			}
			if err := r.valid(); err != nil {
				return fmt.Errorf("contact point %q: receiver %s: %w", p.Name, r.UID, err)
			}
			s.contacts = append(slices.DeleteFunc(s.contacts, func(had Receiver) bool { return had.UID == r.UID }), r)
		}
	}
	for _, p := range file.Policies {
		if !slices.ContainsFunc(s.contacts, func(r Receiver) bool { return r.Name == p.Receiver }) {
			return fmt.Errorf("notification policies: receiver %q does not exist", p.Receiver)
		}
		s.policy = p.Receiver
	}
	if len(file.ResetPolicies) > 0 {
		s.policy = ""
	}
	for _, gone := range file.DeleteContactPoints {
		left := slices.DeleteFunc(slices.Clone(s.contacts), func(r Receiver) bool { return r.UID == gone.UID })
		if len(left) == 0 && len(s.contacts) > 0 && s.policy != "" {
			return errors.New("contact point is currently used by a notification policy")
		}
		s.contacts = left
	}
	return nil
}

func (r Receiver) valid() error {
	text := func(key string) string { v, _ := r.Settings[key].(string); return v }
	switch r.Type {
	case "slack", "webhook":
		if u := text("url"); !strings.HasPrefix(u, "https://") && !strings.HasPrefix(u, "http://") {
			return errors.New("invalid URL")
		}
	case "sns":
		if !strings.HasPrefix(text("topic_arn"), "arn:") {
			return errors.New("invalid topic ARN provided")
		}
	default:
		return fmt.Errorf("the stand-in knows no type %s", r.Type)
	}
	return nil
}

// contactPoints never tells settings.
//
// https://grafana.com/docs/grafana/latest/developers/http_api/alerting_provisioning/#contact-points
func (s *Server) contactPoints(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	told := []Receiver{}
	for _, r := range s.contacts {
		r.Settings = nil
		told = append(told, r)
	}
	slices.SortFunc(told, func(a, b Receiver) int { return strings.Compare(a.UID, b.UID) })
	answer(w, http.StatusOK, told)
}
