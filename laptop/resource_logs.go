package laptop

import (
	"context"
	"errors"

	"github.com/ephor-io/ephor/laptop/cloudformation"
	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/lambda"
	"github.com/ephor-io/ephor/laptop/logs"
)

// sink lets Lambda's environments write log streams.
type sink struct{ logs *logs.Service }

func (s sink) OpenStream(group, stream string) lambda.SinkStream {
	return s.logs.OpenStream(group, stream)
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-logs-loggroup.html
type logGroupProperties struct {
	LogGroupName    string
	LogGroupClass   string
	RetentionInDays int
	Tags            tags
}

func logGroups(service *logs.Service) cloudformation.Provider {
	name := func(r cloudformation.Request, p logGroupProperties) string {
		return physical(r, p.LogGroupName, 512, asItIs)
	}
	made := func(name string, err error) (cloudformation.Resource, error) {
		if err != nil {
			return cloudformation.Resource{}, err
		}
		g, err := service.Group(name)
		return made(g.Name, map[string]any{"Arn": g.ARN + ":*"}, err)
	}
	check := func(p logGroupProperties) error {
		if p.LogGroupClass != "" && p.LogGroupClass != "STANDARD" {
			return awsproto.Errorf("InvalidRequest", "LogGroupClass %s: the laptop has log groups of the class STANDARD only", p.LogGroupClass)
		}
		return nil
	}
	return resource[logGroupProperties]{
		schema: cloudformation.Schema{
			Properties: []string{"LogGroupName", "LogGroupClass", "RetentionInDays", "Tags"},
			CreateOnly: []string{"LogGroupName"},
			Attributes: []string{"Arn"},
		},
		find: func(r cloudformation.Request, p logGroupProperties) (cloudformation.Resource, string, bool) {
			g, err := service.Group(name(r, p))
			return cloudformation.Resource{PhysicalID: g.Name, Attributes: map[string]any{"Arn": g.ARN + ":*"}}, g.ClientToken, err == nil
		},
		create: func(_ context.Context, r cloudformation.Request, p logGroupProperties) (cloudformation.Resource, error) {
			if err := check(p); err != nil {
				return cloudformation.Resource{}, err
			}
			in := logs.GroupInput{Name: name(r, p), Retention: p.RetentionInDays, Tags: p.Tags.toMap(), ClientToken: r.Token}
			return made(in.Name, service.CreateLogGroup(in))
		},
		update: func(_ context.Context, r cloudformation.Request, p logGroupProperties) (cloudformation.Resource, error) {
			err := check(p)
			if err == nil {
				err = service.PutRetentionPolicy(r.PhysicalID, p.RetentionInDays)
			}
			if err == nil {
				err = service.SetTags(r.PhysicalID, p.Tags.toMap())
			}
			return made(r.PhysicalID, err)
		},
		remove: func(_ context.Context, r cloudformation.Request, _ logGroupProperties) error {
			err := service.DeleteLogGroup(r.PhysicalID)
			// CloudWatch Logs says that something is not there with status 400.
			if e, ok := errors.AsType[*awsproto.Error](err); ok && e.Code == "ResourceNotFoundException" {
				return nil
			}
			return err
		},
	}
}
