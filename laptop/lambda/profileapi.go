package lambda

import (
	"net/http"
	"strconv"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// How a process takes orders for profiles: over the address of its Runtime API, where Lambda has nothing
// of the kind. Package function does it in a program that is built with the tag ephor_profile.
//
//	PUT  /ephor/profiles/         I take orders        202, on Lambda 404
//	GET  /ephor/profiles/next     the next order       200 {"id": "…", "kind": "cpu", "begin": true}, when there is one
//	POST /ephor/profiles/ID       it is carried out    202; the body is the profile, if one was asked for, or
//	                                                   the header Ephor-Profile-Error says why there is none
const (
	profilesPrefix     = "/ephor/profiles/"
	headerProfileError = "Ephor-Profile-Error"
)

// maxProfile is more than a profile of a function takes.
const maxProfile = 256 << 20

func (e *environment) serveProfiles(w http.ResponseWriter, r *http.Request, path string) {
	p := e.profiles.Load()
	switch {
	case r.Method == http.MethodPut && path == "":
		e.profiles.CompareAndSwap(nil, &profiles{orders: make(chan *profileOrder), waiting: map[string]*profileOrder{}})
		accept(w)
	case p == nil:
		refuse(w, http.StatusForbidden, "NotRegistered", "PUT %s comes first", profilesPrefix)
	case r.Method == http.MethodGet && path == "next":
		select {
		case o := <-p.orders:
			// What does not reach the process is told by the order's time limit.
			_ = awsproto.WriteJSON(w, http.StatusOK, o)
		case <-e.gone:
		}
	case r.Method == http.MethodPost:
		p.mu.Lock()
		o := p.waiting[path]
		delete(p.waiting, path)
		p.mu.Unlock()
		if o == nil {
			refuse(w, http.StatusBadRequest, "InvalidRequestID", "there is no order %s, or not any more", path)
			return
		}
		body, err := readBody(r, maxProfile)
		a := profileAnswer{data: body, fault: r.Header.Get(headerProfileError)}
		if err != nil {
			a.fault = "the profile did not arrive: " + err.Error()
		}
		o.done <- a
		accept(w)
	default:
		refuse(w, http.StatusNotFound, "NotFound", "there is no %s %s", r.Method, r.URL.Path)
	}
}

// profileRequest is the body of the call Profile.
type profileRequest struct {
	Instance string
	Kind     string
	Seconds  float64
}

// serveProfile is a call that Lambda does not have: it answers with the profile's bytes, and before that, when a recording
// has begun, with 102 Processing.
func (s *Service) serveProfile(w http.ResponseWriter, r *http.Request, name string) error {
	var in profileRequest
	if err := decode(w, r, &in); err != nil {
		return err
	}
	out, err := s.Profile(r.Context(), ProfileInput{Function: name, Instance: in.Instance, Kind: in.Kind,
		Duration: time.Duration(in.Seconds * float64(time.Second)), Began: func() { w.WriteHeader(http.StatusProcessing) }})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Ephor-Instance", out.Instance)
	w.Header().Set("Ephor-Invocations", strconv.Itoa(out.Invocations))
	_, _ = w.Write(out.Data) // a caller that has gone cannot be told so
	return nil
}
