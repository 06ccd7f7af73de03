package eventbridge

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/pattern"
)

// maxRequest is above the largest batch, whose bytes may need six each in JSON.
const maxRequest = 4 << 20

// ServeHTTP answers the JSON protocol: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Operations.html
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	awsproto.ServeJSON(w, r, s.serve)
}

type action func(*Service, []byte) (any, error)

func actions() map[string]action {
	return map[string]action{
		"CreateEventBus":        serving(serveCreateBus),
		"DeleteEventBus":        serving(serveDeleteBus),
		"DeleteRule":            serving(serveDeleteRule),
		"DescribeEventBus":      serving(serveDescribeBus),
		"DescribeRule":          serving(serveDescribeRule),
		"DisableRule":           serving(func(s *Service, in named) (any, error) { return nil, s.SetState(in.EventBusName, in.Name, true) }),
		"EnableRule":            serving(func(s *Service, in named) (any, error) { return nil, s.SetState(in.EventBusName, in.Name, false) }),
		"ListEventBuses":        serving(serveListBuses),
		"ListRuleNamesByTarget": serving(serveListByTarget),
		"ListRules":             serving(serveListRules),
		"ListTagsForResource":   serving(serveListTags),
		"ListTargetsByRule":     serving(serveListTargets),
		"PutEvents":             serving(servePutEvents),
		"PutRule":               serving(servePutRule),
		"PutTargets":            serving(servePutTargets),
		"RemoveTargets":         serving(serveRemoveTargets),
		"TagResource":           serving(serveTag),
		"TestEventPattern":      serving(serveTestPattern),
		"UntagResource":         serving(serveUntag),
	}
}

// serving decodes what an action takes. A member that it does not have is refused by name.
func serving[I any](do func(*Service, I) (any, error)) action {
	return func(s *Service, data []byte) (any, error) {
		var in I
		if err := awsproto.DecodeJSON(data, &in, "ValidationException"); err != nil {
			return nil, err
		}
		return do(s, in)
	}
}

func (s *Service) serve(r *http.Request) (any, error) {
	do, data, err := awsproto.Target(r, awsproto.Targets{Prefix: "AWSEvents.", Service: "EventBridge", Limit: maxRequest, TooLarge: "ValidationException"}, actions())
	if err != nil {
		return nil, err
	}
	out, err := do(s, data)
	if out == nil {
		out = struct{}{}
	}
	return out, err
}

type entry struct {
	Time                 *json.Number // seconds since 1970
	Source, DetailType   string
	Resources            []string
	Detail, EventBusName string
}

type result struct {
	EventID      string `json:"EventId,omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

func servePutEvents(s *Service, in struct{ Entries []entry }) (any, error) {
	if len(in.Entries) == 0 || len(in.Entries) > maxEntries {
		return nil, invalid("1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length less than or equal to %d, and 1 at least", maxEntries)
	}
	all, size := make([]Event, len(in.Entries)), 0
	for i, e := range in.Entries {
		all[i] = Event{Bus: e.EventBusName, Source: e.Source, DetailType: e.DetailType, Detail: e.Detail, Resources: e.Resources}
		if e.Time != nil {
			seconds, err := e.Time.Float64()
			if err != nil {
				return nil, awsproto.Errorf("SerializationException", "Entries[%d].Time: %s is no number of seconds", i, *e.Time)
			}
			all[i].Time = time.UnixMilli(int64(seconds * 1000))
		}
		size += all[i].size()
	}
	if size > maxSize {
		return nil, invalid("Total size of the entries in the request is over the limit.")
	}
	out := struct {
		FailedEntryCount int
		Entries          []result
	}{}
	for _, e := range all {
		id, err := s.Put(e)
		one := result{EventID: id}
		if err != nil {
			failed := awsproto.From(err)
			one = result{ErrorCode: failed.Code, ErrorMessage: failed.Message}
			out.FailedEntryCount++
		}
		out.Entries = append(out.Entries, one)
	}
	return out, nil
}

func serveTestPattern(_ *Service, in struct{ EventPattern, Event string }) (any, error) {
	p, err := pattern.Parse(in.EventPattern)
	if err != nil {
		return nil, awsproto.Errorf("InvalidEventPatternException", "Event pattern is not valid. Reason: %v", err)
	}
	fits, err := p.MatchJSON([]byte(in.Event))
	if err != nil {
		return nil, invalid("Event: %v", err)
	}
	return map[string]bool{"Result": fits}, nil
}

type tag struct{ Key, Value string }

func toMap(tags []tag) map[string]string {
	if tags == nil {
		return nil
	}
	out := map[string]string{}
	for _, t := range tags {
		out[t.Key] = t.Value
	}
	return out
}

func toTags(m map[string]string) []tag {
	out := []tag{}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		out = append(out, tag{key, m[key]})
	}
	return out
}

// tagged changes the tags of what an ARN names: a bus, or a rule of one.
func (s *Service) tagged(arn string, edit func(map[string]string)) error {
	if _, path, is := strings.Cut(arn, ":rule/"); is {
		bus, name, custom := strings.Cut(path, "/")
		if !custom {
			bus, name = defaultBus, path
		}
		return s.EditRule(bus, name, func(r *Rule) error { edit(r.Tags); return nil })
	}
	return s.EditBus(arn, func(b *Bus) { edit(b.Tags) })
}

func serveTag(s *Service, in struct {
	ResourceARN string
	Tags        []tag
}) (any, error) {
	return nil, s.tagged(in.ResourceARN, func(m map[string]string) { maps.Copy(m, toMap(in.Tags)) })
}

func serveUntag(s *Service, in struct {
	ResourceARN string
	TagKeys     []string
}) (any, error) {
	return nil, s.tagged(in.ResourceARN, func(m map[string]string) {
		for _, key := range in.TagKeys {
			delete(m, key)
		}
	})
}

func serveListTags(s *Service, in struct{ ResourceARN string }) (any, error) {
	var out []tag
	err := s.tagged(in.ResourceARN, func(m map[string]string) { out = toTags(m) })
	return map[string]any{"Tags": out}, err
}
