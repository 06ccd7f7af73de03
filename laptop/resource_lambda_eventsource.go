package laptop

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/ephor-io/ephor/laptop/cloudformation"
	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/lambda"
)

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-eventsourcemapping.html
type eventSourceProperties struct {
	FunctionName                   string
	EventSourceArn                 string
	Enabled                        *bool
	BatchSize                      *int
	MaximumBatchingWindowInSeconds int
	FilterCriteria                 struct {
		Filters []struct{ Pattern string }
	}
	FunctionResponseTypes []string
	ScalingConfig         struct{ MaximumConcurrency int }
}

func (p eventSourceProperties) settings() (lambda.EventSourceSettings, error) {
	s := lambda.EventSourceSettings{Disabled: p.Enabled != nil && !*p.Enabled, Window: time.Duration(p.MaximumBatchingWindowInSeconds) * time.Second,
		MaxConcurrency: p.ScalingConfig.MaximumConcurrency, ReportFailures: len(p.FunctionResponseTypes) > 0}
	if p.BatchSize != nil {
		if s.BatchSize = *p.BatchSize; s.BatchSize == 0 {
			s.BatchSize = -1 // which is refused
		}
	}
	for _, f := range p.FilterCriteria.Filters {
		s.Filters = append(s.Filters, f.Pattern)
	}
	if s.ReportFailures && !slices.Equal(p.FunctionResponseTypes, []string{"ReportBatchItemFailures"}) {
		return s, awsproto.Errorf("InvalidParameterValueException", "FunctionResponseTypes %v: there is ReportBatchItemFailures", p.FunctionResponseTypes)
	}
	return s, nil
}

func eventSources(service *lambda.Service) cloudformation.Provider {
	made := func(c lambda.EventSource, err error) (cloudformation.Resource, error) {
		account, _, _ := strings.Cut(c.Function, ":function:")
		return made(c.UUID, map[string]any{"Id": c.UUID, "EventSourceMappingArn": account + ":event-source-mapping:" + c.UUID}, err)
	}
	return resource[eventSourceProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"FunctionName", "EventSourceArn", "Enabled", "BatchSize", "MaximumBatchingWindowInSeconds", "FilterCriteria", "FunctionResponseTypes", "ScalingConfig"},
			Required:   []string{"FunctionName"},
			CreateOnly: []string{"EventSourceArn"},
			Attributes: []string{"Id", "EventSourceMappingArn"},
		},
		find: func(r cloudformation.Request, _ eventSourceProperties) (cloudformation.Resource, string, bool) {
			c, ok := which(r, service.EventSources(), func(c lambda.EventSource) (string, string) { return c.UUID, c.Mark })
			got, _ := made(c, nil)
			return got, c.Mark, ok
		},
		create: func(_ context.Context, r cloudformation.Request, p eventSourceProperties) (cloudformation.Resource, error) {
			settings, err := p.settings()
			if err != nil {
				return cloudformation.Resource{}, err
			}
			return made(service.CreateEventSource(lambda.EventSource{Function: p.FunctionName, SourceARN: p.EventSourceArn, EventSourceSettings: settings, Mark: r.Token}))
		},
		update: func(_ context.Context, r cloudformation.Request, p eventSourceProperties) (cloudformation.Resource, error) {
			settings, err := p.settings()
			if err != nil {
				return cloudformation.Resource{}, err
			}
			return made(service.UpdateEventSource(r.PhysicalID, p.FunctionName, func(s *lambda.EventSourceSettings) { *s = settings }))
		},
		remove: func(_ context.Context, r cloudformation.Request, _ eventSourceProperties) error {
			_, err := service.DeleteEventSource(r.PhysicalID)
			return err
		},
	}
}
