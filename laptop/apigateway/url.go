package apigateway

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"

	"github.com/ephor-io/ephor/laptop/internal/state"
)

// FunctionURL is a Lambda function's own address, as it is configured at Lambda:
// https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html
type FunctionURL struct {
	// ID is the first label of the address on AWS; it also names the URL here.
	ID string
	// Function is the ARN, with the alias that the URL is of, if any.
	Function string
	// AuthType is NONE or AWS_IAM.
	AuthType string
	// InvokeMode is BUFFERED, also when empty, or RESPONSE_STREAM.
	InvokeMode string
	CORS       *CORS
}

// urlRecord is what is kept of a function URL here: its port. The rest is Lambda's.
type urlRecord struct {
	ID   string
	Port int
}

func (s *Service) urlFolder() state.Folder[urlRecord] {
	return state.Folder[urlRecord]{Dir: filepath.Join(s.config.Dir, "urls")}
}

func (u FunctionURL) validate() error {
	switch {
	case !functionARN.MatchString(u.Function):
		return badRequest("function URL %s: %q is not the ARN of a function", u.ID, u.Function)
	case u.AuthType != authorizationNONE && u.AuthType != authorizationIAM:
		return badRequest("function URL %s: AuthType %q: it is NONE or AWS_IAM", u.ID, u.AuthType)
	case u.InvokeMode != "" && u.InvokeMode != "BUFFERED" && u.InvokeMode != "RESPONSE_STREAM":
		return badRequest("function URL %s: InvokeMode %q: it is BUFFERED or RESPONSE_STREAM", u.ID, u.InvokeMode)
	}
	return nil
}

// URLAddress is the address of the function URL with an ID, with a slash at its end. Asked for the
// first time, it takes a port, which answers 404 until OpenURL says what stands behind it; asked
// for again, also after a restart, it is the same as long as that port is free.
func (s *Service) URLAddress(id string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := s.urlFront(id)
	if err != nil {
		return "", err
	}
	return f.endpoint() + "/", nil
}

// OpenURL serves a function URL at its address, or serves it as it is now.
func (s *Service) OpenURL(u FunctionURL) error {
	if err := u.validate(); err != nil {
		return err
	}
	if u.InvokeMode == "RESPONSE_STREAM" && s.config.Streamer == nil {
		return badRequest("function URL %s: InvokeMode RESPONSE_STREAM: nothing here can stream", u.ID)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := s.urlFront(u.ID)
	if err != nil {
		return err
	}
	f.now.Store(newURLTable(u))
	return nil
}

// urlFront is what listens for a function URL, now at the latest. s.mu is held.
func (s *Service) urlFront(id string) (*urlFront, error) {
	if f := s.urls[id]; f != nil {
		return f, nil
	}
	if s.closed {
		return nil, fmt.Errorf("function URL %s: the service is closed", id)
	}
	if !urlID.MatchString(id) {
		return nil, badRequest("function URL %q: an ID is letters and digits in lower case", id)
	}
	kept := urlRecord{ID: id}
	if err := state.Load(filepath.Join(s.urlFolder().Dir, id+".json"), &kept); err != nil {
		return nil, err
	}
	l, err := s.listen(id, noOrder, kept.Port)
	if err != nil {
		return nil, fmt.Errorf("function URL %s: %w", id, err)
	}
	if port := portOf(l); port != kept.Port {
		if err := s.urlFolder().Save(id, urlRecord{ID: id, Port: port}); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	f := newURLFront(&s.config, id, portOf(l))
	s.urls[id] = f
	s.open(id, "function URL", f.front, l)
	return f, nil
}

var urlID = regexp.MustCompile(`^[a-z0-9]{1,63}$`)

// CloseURL ends a function URL and waits for the requests in flight until ctx ends. One that is not
// there is no error.
func (s *Service) CloseURL(ctx context.Context, id string) error {
	s.mu.Lock()
	f := s.urls[id]
	err := s.urlFolder().Remove(id)
	if err == nil {
		delete(s.urls, id)
		delete(s.fronts, id)
	}
	s.mu.Unlock()
	if err != nil || f == nil {
		return err
	}
	return f.stop(ctx)
}
