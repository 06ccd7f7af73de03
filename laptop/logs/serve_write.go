package logs

import (
	"context"
	"maps"
	"strings"
)

func serveCreateGroup(s *Service, _ context.Context, in struct {
	LogGroupName  string            `json:"logGroupName"`
	Tags          map[string]string `json:"tags"`
	LogGroupClass string            `json:"logGroupClass"`
}) (any, error) {
	if in.LogGroupClass != "" && in.LogGroupClass != "STANDARD" {
		return nil, invalid("logGroupClass %s is not supported on this machine: STANDARD is", in.LogGroupClass)
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	return nothing{}, s.CreateLogGroup(GroupInput{Name: in.LogGroupName, Tags: in.Tags})
}

func serveCreateStream(s *Service, _ context.Context, in streamInput) (any, error) {
	return nothing{}, s.CreateLogStream(in.LogGroupName, in.LogStreamName)
}

type groupInput struct {
	LogGroupName string `json:"logGroupName"`
}

type streamInput struct {
	LogGroupName  string `json:"logGroupName"`
	LogStreamName string `json:"logStreamName"`
}

func serveDeleteGroup(s *Service, _ context.Context, in groupInput) (any, error) {
	return nothing{}, s.DeleteLogGroup(in.LogGroupName)
}

func serveDeleteStream(s *Service, _ context.Context, in streamInput) (any, error) {
	return nothing{}, s.DeleteLogStream(in.LogGroupName, in.LogStreamName)
}

func servePutRetention(s *Service, _ context.Context, in struct {
	groupInput
	RetentionInDays int `json:"retentionInDays"`
}) (any, error) {
	if err := checkRetention(in.RetentionInDays); err != nil {
		return nil, err
	}
	return nothing{}, s.PutRetentionPolicy(in.LogGroupName, in.RetentionInDays)
}

func serveDeleteRetention(s *Service, _ context.Context, in groupInput) (any, error) {
	return nothing{}, s.PutRetentionPolicy(in.LogGroupName, 0)
}

func servePut(s *Service, _ context.Context, in struct {
	streamInput
	LogEvents []struct {
		Timestamp int64  `json:"timestamp"`
		Message   string `json:"message"`
	} `json:"logEvents"`
	// The token is ignored, as it is on AWS.
	SequenceToken string `json:"sequenceToken"`
}) (any, error) {
	events := make([]InputEvent, len(in.LogEvents))
	for i, e := range in.LogEvents {
		events[i] = InputEvent(e)
	}
	rejected, err := s.PutLogEvents(in.LogGroupName, in.LogStreamName, events)
	return struct {
		NextSequenceToken string    `json:"nextSequenceToken"`
		Rejected          *Rejected `json:"rejectedLogEventsInfo,omitempty"`
	}{strings.Repeat("0", 56), rejected}, err
}

// checkTags holds the number of tags that a resource may have.
func checkTags(tags map[string]string) error {
	if len(tags) > 50 {
		return invalid("tags: %d; at most 50", len(tags))
	}
	return nil
}

type resourceInput struct {
	ResourceARN string `json:"resourceArn"`
}

func (in resourceInput) group(s *Service) (LogGroup, error) {
	return s.Group(strings.TrimSuffix(in.ResourceARN, ":*"))
}

func serveListTags(s *Service, _ context.Context, in resourceInput) (any, error) {
	g, err := in.group(s)
	tags := g.Tags
	if tags == nil {
		tags = map[string]string{}
	}
	return map[string]any{"tags": tags}, err
}

func serveTag(s *Service, _ context.Context, in struct {
	resourceInput
	Tags map[string]string `json:"tags"`
}) (any, error) {
	g, err := in.group(s)
	if err != nil {
		return nil, err
	}
	tags := map[string]string{}
	maps.Copy(tags, g.Tags)
	maps.Copy(tags, in.Tags)
	if err := checkTags(tags); err != nil {
		return nil, err
	}
	return nothing{}, s.SetTags(g.Name, tags)
}

func serveUntag(s *Service, _ context.Context, in struct {
	resourceInput
	TagKeys []string `json:"tagKeys"`
}) (any, error) {
	g, err := in.group(s)
	if err != nil {
		return nil, err
	}
	for _, k := range in.TagKeys {
		delete(g.Tags, k)
	}
	return nothing{}, s.SetTags(g.Name, g.Tags)
}
