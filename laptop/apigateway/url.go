package apigateway

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

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
	case u.ID == "":
		return badRequest("a function URL has no ID")
	case !functionARN.MatchString(u.Function):
		return badRequest("function URL %s: %q is not the ARN of a function", u.ID, u.Function)
	case u.AuthType != "NONE" && u.AuthType != "AWS_IAM":
		return badRequest("function URL %s: AuthType %q: it is NONE or AWS_IAM", u.ID, u.AuthType)
	case u.InvokeMode != "" && u.InvokeMode != "BUFFERED" && u.InvokeMode != "RESPONSE_STREAM":
		return badRequest("function URL %s: InvokeMode %q: it is BUFFERED or RESPONSE_STREAM", u.ID, u.InvokeMode)
	}
	return nil
}

// OpenURL serves a function URL at a port of its own and tells its address, which has a slash at
// its end. One that is served already is changed and keeps its address; one that was served before
// a restart gets it back, if the port is free.
func (s *Service) OpenURL(u FunctionURL) (string, error) {
	if err := u.validate(); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return "", errors.New("opening a function URL: the service is closed")
	}
	if u.InvokeMode == "RESPONSE_STREAM" && s.config.Streamer == nil {
		return "", badRequest("function URL %s: InvokeMode RESPONSE_STREAM: nothing here can stream", u.ID)
	}
	if f := s.urls[u.ID]; f != nil {
		f.now.Store(newURLTable(u))
		return f.endpoint() + "/", nil
	}
	kept := urlRecord{ID: u.ID}
	if err := state.Load(filepath.Join(s.config.Dir, "urls", u.ID+".json"), &kept); err != nil {
		return "", err
	}
	l, err := s.listen(u.ID, noOrder, kept.Port)
	if err != nil {
		return "", fmt.Errorf("function URL %s: %w", u.ID, err)
	}
	if err := s.urlFolder().Save(u.ID, urlRecord{ID: u.ID, Port: portOf(l)}); err != nil {
		return "", errors.Join(err, l.Close())
	}
	f := newURLFront(&s.config, u, portOf(l))
	s.urls[u.ID] = f
	s.open(u.ID, u.Function, f.front, l)
	return f.endpoint() + "/", nil
}

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
