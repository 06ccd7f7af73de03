package sqs

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

type urlOutput struct {
	QueueURL string `json:"QueueUrl" xml:"QueueUrl"`
}

func serveCreateQueue(s *Service, _ context.Context, in input) (any, error) {
	if in.QueueName == "" {
		return nil, missing("QueueName")
	}
	q, err := s.CreateQueue(QueueInput{Name: in.QueueName, Attributes: in.Attributes, Tags: in.Tags})
	return urlOutput{q.URL}, err
}

func serveGetURL(s *Service, _ context.Context, in input) (any, error) {
	if in.QueueName == "" {
		return nil, missing("QueueName")
	}
	if owner := in.QueueOwnerAWSAccountID; owner != "" && owner != s.config.Account {
		return nil, noSuchQueue()
	}
	q, err := s.Queue(in.QueueName)
	return urlOutput{q.URL}, err
}

type urlsOutput struct {
	QueueURLs []string `json:"QueueUrls,omitempty" xml:"QueueUrl"`
	NextToken string   `json:",omitempty" xml:",omitempty"`
}

// page cuts what comes behind the token, which is the last name of the page before.
func page(names []string, in input) ([]string, string, error) {
	if in.MaxResults < 0 || in.MaxResults > 1000 {
		return nil, "", invalid("Value %d for parameter MaxResults is invalid. Reason: MaxResults must be >= 1 and <= 1000", in.MaxResults)
	}
	i, _ := slices.BinarySearch(names, in.NextToken)
	if i < len(names) && names[i] == in.NextToken {
		i++
	}
	names = names[i:]
	limit := in.MaxResults
	if limit == 0 {
		limit = 1000
	}
	if len(names) <= limit {
		return names, "", nil
	}
	names = names[:limit]
	if in.MaxResults == 0 {
		return names, "", nil // who does not ask for pages gets the first thousand
	}
	return names, names[limit-1], nil
}

func serveListQueues(s *Service, _ context.Context, in input) (any, error) {
	var names []string
	for _, q := range s.Queues(in.QueueNamePrefix) {
		names = append(names, q.Name)
	}
	names, next, err := page(names, in)
	out := urlsOutput{NextToken: next}
	for _, name := range names {
		out.QueueURLs = append(out.QueueURLs, s.url(name))
	}
	return out, err
}

func serveDeadLetterSources(s *Service, _ context.Context, in input) (any, error) {
	sources, err := s.DeadLetterSources(in.QueueURL)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, arn := range sources {
		names = append(names, nameOf(arn))
	}
	names, next, err := page(names, in)
	out := struct {
		QueueURLs []string `json:"queueUrls" xml:"QueueUrl"`
		NextToken string   `json:",omitempty" xml:",omitempty"`
	}{QueueURLs: []string{}, NextToken: next}
	for _, name := range names {
		out.QueueURLs = append(out.QueueURLs, s.url(name))
	}
	return out, err
}

func serveGetAttributes(s *Service, _ context.Context, in input) (any, error) {
	q, err := s.Queue(in.QueueURL)
	if err != nil {
		return nil, err
	}
	known := slices.Concat(slices.Collect(maps.Keys(q.Attributes)), []string{"All", "Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId",
		"KmsDataKeyReusePeriodSeconds", "FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"})
	for _, name := range in.AttributeNames {
		if !slices.Contains(known, name) {
			return nil, awsproto.Errorf("InvalidAttributeName", "Unknown Attribute %s.", name)
		}
	}
	return struct {
		Attributes pairs `json:",omitempty" xml:"Attribute"`
	}{chosen(q.Attributes, in.AttributeNames)}, nil
}

// chosen are the values with the names that were asked for; All are all.
func chosen(values map[string]string, names []string) pairs {
	out := pairs{}
	for name, value := range values {
		if slices.Contains(names, "All") || slices.Contains(names, name) {
			out[name] = value
		}
	}
	return out
}

func serveSetAttributes(s *Service, _ context.Context, in input) (any, error) {
	return nil, s.SetAttributes(in.QueueURL, in.Attributes)
}

func serveDeleteQueue(s *Service, _ context.Context, in input) (any, error) {
	if in.QueueURL == "" {
		return nil, missing("QueueUrl")
	}
	return nil, s.DeleteQueue(in.QueueURL)
}

func servePurge(s *Service, _ context.Context, in input) (any, error) {
	return nil, s.Purge(in.QueueURL)
}

func serveListTags(s *Service, _ context.Context, in input) (any, error) {
	q, err := s.Queue(in.QueueURL)
	return struct {
		Tags tagPairs `json:",omitempty" xml:"Tag"`
	}{q.Tags}, err
}

func serveTag(s *Service, _ context.Context, in input) (any, error) {
	for key := range in.Tags {
		if key == "" || len(key) > 128 || strings.HasPrefix(strings.ToLower(key), "aws:") {
			return nil, invalid("Tag keys must be between 1 and 128 characters in length and begin with no aws:.")
		}
	}
	return nil, s.Tag(in.QueueURL, in.Tags)
}

func serveUntag(s *Service, _ context.Context, in input) (any, error) {
	return nil, s.Tag(in.QueueURL, nil, in.TagKeys...)
}
