package lambda

import (
	"net/http"
	"slices"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// eventSourceRequest is what CreateEventSourceMapping and UpdateEventSourceMapping say.
type eventSourceRequest struct {
	EventSourceArn                 string
	FunctionName                   string
	Enabled                        *bool
	BatchSize                      *int
	MaximumBatchingWindowInSeconds *int
	FilterCriteria                 *filterCriteria
	FunctionResponseTypes          *[]string
	ScalingConfig                  *scalingConfig
}

type filterCriteria struct{ Filters []filter }

type filter struct{ Pattern string }

type scalingConfig struct {
	MaximumConcurrency int `json:",omitempty"`
}

func (q eventSourceRequest) check() error {
	if q.BatchSize != nil && *q.BatchSize == 0 {
		return awsproto.Errorf("InvalidParameterValueException", "BatchSize 0: 1 to 10000")
	}
	if t := q.FunctionResponseTypes; t != nil && len(*t) > 0 && !slices.Equal(*t, []string{"ReportBatchItemFailures"}) {
		return awsproto.Errorf("InvalidParameterValueException", "FunctionResponseTypes %v: there is ReportBatchItemFailures", *t)
	}
	return nil
}

func (q eventSourceRequest) apply(c *EventSourceSettings) {
	if q.Enabled != nil {
		c.Disabled = !*q.Enabled
	}
	if q.BatchSize != nil {
		c.BatchSize = *q.BatchSize
	}
	if q.MaximumBatchingWindowInSeconds != nil {
		c.Window = time.Duration(*q.MaximumBatchingWindowInSeconds) * time.Second
	}
	if q.FilterCriteria != nil {
		c.Filters = nil
		for _, f := range q.FilterCriteria.Filters {
			c.Filters = append(c.Filters, f.Pattern)
		}
	}
	if q.FunctionResponseTypes != nil {
		c.ReportFailures = len(*q.FunctionResponseTypes) > 0
	}
	if q.ScalingConfig != nil {
		c.MaxConcurrency = q.ScalingConfig.MaximumConcurrency
	}
}

// eventSourceAnswer is https://docs.aws.amazon.com/lambda/latest/api/API_EventSourceMappingConfiguration.html
type eventSourceAnswer struct {
	UUID, EventSourceArn, EventSourceMappingArn, FunctionArn string
	BatchSize, MaximumBatchingWindowInSeconds                int
	FilterCriteria                                           *filterCriteria `json:",omitempty"`
	FunctionResponseTypes                                    []string
	ScalingConfig                                            *scalingConfig `json:",omitempty"`
	State, StateTransitionReason, LastProcessingResult       string
	LastModified                                             float64 // seconds since 1970
}

func (s *Service) describeEventSource(c EventSource) eventSourceAnswer {
	a := eventSourceAnswer{UUID: c.UUID, EventSourceArn: c.SourceARN, FunctionArn: c.Function,
		EventSourceMappingArn: s.eventSourceARN(c.UUID),
		BatchSize:             c.batch(), MaximumBatchingWindowInSeconds: int(c.Window.Seconds()), FunctionResponseTypes: []string{},
		State: "Enabled", StateTransitionReason: "USER_INITIATED", LastProcessingResult: c.LastResult, LastModified: float64(c.LastModified.UnixMilli()) / 1000}
	if c.Disabled {
		a.State = "Disabled"
	}
	if c.ReportFailures {
		a.FunctionResponseTypes = append(a.FunctionResponseTypes, "ReportBatchItemFailures")
	}
	if c.MaxConcurrency > 0 {
		a.ScalingConfig = &scalingConfig{c.MaxConcurrency}
	}
	if len(c.Filters) > 0 {
		a.FilterCriteria = &filterCriteria{}
		for _, text := range c.Filters {
			a.FilterCriteria.Filters = append(a.FilterCriteria.Filters, filter{text})
		}
	}
	return a
}

func (s *Service) eventSourceARN(id string) string {
	return "arn:aws:lambda:" + s.cfg.Region + ":" + s.cfg.Account + ":event-source-mapping:" + id
}

func (s *Service) writeEventSource(w http.ResponseWriter, status int, c EventSource, err error) error {
	if err != nil {
		return err
	}
	return awsproto.WriteJSON(w, status, s.describeEventSource(c))
}

// readEventSource reads what is to be made or changed.
func readEventSource(w http.ResponseWriter, r *http.Request) (eventSourceRequest, error) {
	var in eventSourceRequest
	if err := decode(w, r, &in); err != nil {
		return in, err
	}
	return in, in.check()
}

func (s *Service) serveCreateEventSource(w http.ResponseWriter, r *http.Request, _ string) error {
	in, err := readEventSource(w, r)
	if err != nil {
		return err
	}
	c := EventSource{Function: in.FunctionName, SourceARN: in.EventSourceArn}
	in.apply(&c.EventSourceSettings)
	c, err = s.CreateEventSource(c)
	return s.writeEventSource(w, http.StatusAccepted, c, err)
}

func (s *Service) serveUpdateEventSource(w http.ResponseWriter, r *http.Request, id string) error {
	in, err := readEventSource(w, r)
	if err != nil {
		return err
	}
	if in.EventSourceArn != "" {
		return awsproto.Errorf("InvalidParameterValueException", "EventSourceArn: a mapping keeps its event source")
	}
	c, err := s.UpdateEventSource(id, in.FunctionName, in.apply)
	return s.writeEventSource(w, http.StatusAccepted, c, err)
}

func (s *Service) serveDeleteEventSource(w http.ResponseWriter, _ *http.Request, id string) error {
	c, err := s.DeleteEventSource(id)
	return s.writeEventSource(w, http.StatusAccepted, c, err)
}

func (s *Service) serveGetEventSource(w http.ResponseWriter, _ *http.Request, id string) error {
	c, err := s.EventSource(id)
	return s.writeEventSource(w, http.StatusOK, c, err)
}

func (s *Service) serveListEventSources(w http.ResponseWriter, r *http.Request, _ string) error {
	all := s.EventSources()
	query := r.URL.Query()
	if name := query.Get("FunctionName"); name != "" {
		fam, qualifier, err := s.family(name)
		if err != nil {
			return err
		}
		arn := s.arn(withQualifier(fam.name, qualifier))
		all = slices.DeleteFunc(all, func(c EventSource) bool { return c.Function != arn })
	}
	if arn := query.Get("EventSourceArn"); arn != "" {
		all = slices.DeleteFunc(all, func(c EventSource) bool { return c.SourceARN != arn })
	}
	return writePage(w, r, "EventSourceMappings", 100, all,
		func(c EventSource) string { return c.UUID }, func(c EventSource) any { return s.describeEventSource(c) })
}
