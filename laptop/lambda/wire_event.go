package lambda

import (
	"io"
	"net/http"
	"time"

	"encoding/json"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// eventInvokeRequest is what PutFunctionEventInvokeConfig and UpdateFunctionEventInvokeConfig say.
type eventInvokeRequest struct {
	MaximumRetryAttempts     *int
	MaximumEventAgeInSeconds *int
	DestinationConfig        *destinations
}

type destinations struct {
	OnSuccess, OnFailure *destination `json:",omitempty"`
}

type destination struct {
	Destination string `json:",omitempty"`
}

// eventInvokeAnswer is https://docs.aws.amazon.com/lambda/latest/api/API_FunctionEventInvokeConfig.html
type eventInvokeAnswer struct {
	LastModified             float64 // seconds since 1970
	FunctionArn              string
	MaximumRetryAttempts     *int `json:",omitempty"`
	MaximumEventAgeInSeconds int  `json:",omitempty"`
	DestinationConfig        struct{ OnSuccess, OnFailure destination }
}

func describeEventInvoke(c EventInvokeConfig) eventInvokeAnswer {
	answer := eventInvokeAnswer{LastModified: float64(c.LastModified.UnixMilli()) / 1000, FunctionArn: c.ARN,
		MaximumRetryAttempts: c.MaximumRetryAttempts, MaximumEventAgeInSeconds: int(c.MaximumEventAge.Seconds())}
	answer.DestinationConfig.OnSuccess.Destination = c.OnSuccess
	answer.DestinationConfig.OnFailure.Destination = c.OnFailure
	return answer
}

func (q eventInvokeRequest) apply(c *EventInvokeConfig) error {
	if q.MaximumRetryAttempts != nil {
		c.MaximumRetryAttempts = q.MaximumRetryAttempts
	}
	if n := q.MaximumEventAgeInSeconds; n != nil {
		if *n < 60 {
			return awsproto.Errorf("InvalidParameterValueException", "MaximumEventAgeInSeconds %d: 60 to 21600", *n)
		}
		c.MaximumEventAge = time.Duration(*n) * time.Second
	}
	if d := q.DestinationConfig; d != nil {
		if d.OnSuccess != nil {
			c.OnSuccess = d.OnSuccess.Destination
		}
		if d.OnFailure != nil {
			c.OnFailure = d.OnFailure.Destination
		}
	}
	return nil
}

func (s *Service) servePutEventInvoke(w http.ResponseWriter, r *http.Request, name string) error {
	return s.writeEventInvoke(w, r, name, func(c *EventInvokeConfig, _ bool) error {
		c.MaximumRetryAttempts, c.MaximumEventAge, c.OnSuccess, c.OnFailure = nil, 0, "", ""
		return nil
	})
}

func (s *Service) serveUpdateEventInvoke(w http.ResponseWriter, r *http.Request, name string) error {
	return s.writeEventInvoke(w, r, name, func(c *EventInvokeConfig, exists bool) error {
		if !exists {
			return s.errNoEventInvoke(*c)
		}
		return nil
	})
}

// writeEventInvoke applies a request to what prepare leaves of a configuration.
func (s *Service) writeEventInvoke(w http.ResponseWriter, r *http.Request, name string, prepare func(*EventInvokeConfig, bool) error) error {
	var in eventInvokeRequest
	if err := decode(w, r, &in); err != nil {
		return err
	}
	name, err := s.said(r, name)
	if err != nil {
		return err
	}
	if in.MaximumRetryAttempts == nil && in.MaximumEventAgeInSeconds == nil && in.DestinationConfig == nil {
		return awsproto.Errorf("InvalidParameterValueException", "You must specify at least one of error handling or destination setting.")
	}
	c, err := s.editEventInvoke(name, func(c *EventInvokeConfig, exists bool) error {
		if err := prepare(c, exists); err != nil {
			return err
		}
		return in.apply(c)
	})
	if err != nil {
		return err
	}
	return awsproto.WriteJSON(w, http.StatusOK, describeEventInvoke(c))
}

func (s *Service) serveGetEventInvoke(w http.ResponseWriter, r *http.Request, name string) error {
	name, err := s.said(r, name)
	if err != nil {
		return err
	}
	c, err := s.EventInvokeConfig(name)
	if err != nil {
		return err
	}
	return awsproto.WriteJSON(w, http.StatusOK, describeEventInvoke(c))
}

func (s *Service) serveListEventInvoke(w http.ResponseWriter, r *http.Request, name string) error {
	all, err := s.EventInvokeConfigs(name)
	if err != nil {
		return err
	}
	return writePage(w, r, "FunctionEventInvokeConfigs", 50, all,
		func(c EventInvokeConfig) string { return c.Qualifier }, func(c EventInvokeConfig) any { return describeEventInvoke(c) })
}

func (s *Service) serveDeleteEventInvoke(w http.ResponseWriter, r *http.Request, name string) error {
	name, err := s.said(r, name)
	if err != nil {
		return err
	}
	if err := s.DeleteEventInvokeConfig(r.Context(), name); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// serveInvokeAsync is the predecessor of InvocationType Event, see
// https://docs.aws.amazon.com/lambda/latest/api/API_InvokeAsync.html
func (s *Service) serveInvokeAsync(w http.ResponseWriter, r *http.Request, name string) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxEvent+1))
	if err != nil {
		return &awsproto.Error{Code: "InvalidRequestContentException", Message: "Could not read the request body: " + err.Error()}
	}
	if len(body) > 0 && !json.Valid(body) {
		return &awsproto.Error{Code: "InvalidRequestContentException", Message: "Could not parse request body into json: it is not JSON"}
	}
	if _, err := s.InvokeAsync(r.Context(), InvokeInput{Function: name, Payload: body}); err != nil {
		return err
	}
	return awsproto.WriteJSON(w, http.StatusAccepted, map[string]int{"Status": http.StatusAccepted})
}
