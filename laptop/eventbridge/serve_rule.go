package eventbridge

import (
	"slices"
	"strconv"
)

type named struct{ Name, EventBusName string }

// paging is what lists are asked with. The token is where the next page begins.
type paging struct {
	NamePrefix string
	NextToken  string
	Limit      int
}

func page[V any](all []V, p paging) ([]V, string, error) {
	from := 0
	if p.NextToken != "" {
		var err error
		if from, err = strconv.Atoi(p.NextToken); err != nil || from < 0 || from > len(all) {
			return nil, "", invalid("NextToken %q is none", p.NextToken)
		}
	}
	if p.Limit < 0 || p.Limit > 100 {
		return nil, "", invalid("Limit %d: 1 to 100", p.Limit)
	}
	limit := p.Limit
	if limit == 0 {
		limit = 100
	}
	if all = all[from:]; len(all) <= limit {
		return all, "", nil
	}
	return all[:limit], strconv.Itoa(from + limit), nil
}

type busJSON struct {
	Name, Arn    string
	Description  string  `json:",omitempty"`
	CreationTime float64 `json:",omitempty"`
}

func (s *Service) busJSON(b Bus) busJSON {
	out := busJSON{Name: b.Name, Arn: s.BusARN(b.Name), Description: b.Description}
	if !b.Created.IsZero() {
		out.CreationTime = float64(b.Created.UnixMilli()) / 1000
	}
	return out
}

func serveCreateBus(s *Service, in struct {
	Name, Description string
	Tags              []tag
}) (any, error) {
	b, err := s.CreateBus(Bus{Name: in.Name, Description: in.Description, Tags: toMap(in.Tags)})
	return map[string]string{"EventBusArn": s.BusARN(b.Name)}, err
}

func serveDeleteBus(s *Service, in struct{ Name string }) (any, error) {
	return nil, s.DeleteBus(in.Name)
}

func serveDescribeBus(s *Service, in struct{ Name string }) (any, error) {
	b, err := s.Bus(in.Name)
	return s.busJSON(b), err
}

func serveListBuses(s *Service, in paging) (any, error) {
	some, next, err := page(s.Buses(in.NamePrefix), in)
	out := struct {
		EventBuses []busJSON
		NextToken  string `json:",omitempty"`
	}{[]busJSON{}, next}
	for _, b := range some {
		out.EventBuses = append(out.EventBuses, s.busJSON(b))
	}
	return out, err
}

type ruleJSON struct {
	Name, Arn, EventBusName          string
	EventPattern, ScheduleExpression string `json:",omitempty"`
	Description                      string `json:",omitempty"`
	State                            string
}

func (s *Service) ruleJSON(r Rule) ruleJSON {
	out := ruleJSON{Name: r.Name, Arn: s.arn(r), EventBusName: r.Bus, EventPattern: r.Pattern, ScheduleExpression: r.Schedule, Description: r.Description, State: "ENABLED"}
	if r.Disabled {
		out.State = "DISABLED"
	}
	return out
}

func servePutRule(s *Service, in struct {
	Name, EventBusName, EventPattern, ScheduleExpression, Description, State string
	Tags                                                                     []tag
}) (any, error) {
	if in.State != "" && in.State != "ENABLED" && in.State != "DISABLED" {
		return nil, invalid("State %s: on this machine it is ENABLED or DISABLED", in.State)
	}
	r, err := s.PutRule(Rule{Name: in.Name, Bus: in.EventBusName, Pattern: in.EventPattern, Schedule: in.ScheduleExpression, Description: in.Description,
		Disabled: in.State == "DISABLED", Tags: toMap(in.Tags)})
	return map[string]string{"RuleArn": s.arn(r)}, err
}

func serveDescribeRule(s *Service, in named) (any, error) {
	r, err := s.Rule(in.EventBusName, in.Name)
	return s.ruleJSON(r), err
}

func serveDeleteRule(s *Service, in struct {
	named
	Force bool
}) (any, error) {
	return nil, s.DeleteRule(in.EventBusName, in.Name)
}

func serveListRules(s *Service, in struct {
	paging
	EventBusName string
}) (any, error) {
	all, err := s.Rules(in.EventBusName, in.NamePrefix)
	if err != nil {
		return nil, err
	}
	some, next, err := page(all, in.paging)
	out := struct {
		Rules     []ruleJSON
		NextToken string `json:",omitempty"`
	}{[]ruleJSON{}, next}
	for _, r := range some {
		out.Rules = append(out.Rules, s.ruleJSON(r))
	}
	return out, err
}

func serveListByTarget(s *Service, in struct {
	paging
	TargetArn, EventBusName string
}) (any, error) {
	all, err := s.Rules(in.EventBusName, "")
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, r := range all {
		if slices.ContainsFunc(r.Targets, func(t Target) bool { return t.ARN == in.TargetArn }) {
			names = append(names, r.Name)
		}
	}
	some, next, err := page(names, in.paging)
	return struct {
		RuleNames []string
		NextToken string `json:",omitempty"`
	}{some, next}, err
}

// targetJSON is a target as the API has it. What else it has there is refused by name.
type targetJSON struct {
	Id, Arn          string
	Input, InputPath string           `json:",omitempty"`
	InputTransformer *transformerJSON `json:",omitempty"`
	SqsParameters    *sqsJSON         `json:",omitempty"`
	DeadLetterConfig *deadLettersJSON `json:",omitempty"`
	RetryPolicy      *retryPolicyJSON `json:",omitempty"`
}

type (
	transformerJSON struct {
		InputPathsMap map[string]string `json:",omitempty"`
		InputTemplate string
	}
	sqsJSON         struct{ MessageGroupId string }
	deadLettersJSON struct{ Arn string }
	retryPolicyJSON struct {
		MaximumRetryAttempts, MaximumEventAgeInSeconds *int `json:",omitempty"`
	}
)

func (t targetJSON) target() Target {
	out := Target{ID: t.Id, ARN: t.Arn, Input: t.Input, InputPath: t.InputPath}
	if t.InputTransformer != nil {
		out.Template = &Template{Paths: t.InputTransformer.InputPathsMap, Text: t.InputTransformer.InputTemplate}
	}
	if t.SqsParameters != nil {
		out.Group = t.SqsParameters.MessageGroupId
	}
	if t.DeadLetterConfig != nil {
		out.DeadLetters = t.DeadLetterConfig.Arn
	}
	if t.RetryPolicy != nil {
		out.Retries, out.MaxAge = t.RetryPolicy.MaximumRetryAttempts, t.RetryPolicy.MaximumEventAgeInSeconds
	}
	return out
}

func asJSON(t Target) targetJSON {
	out := targetJSON{Id: t.ID, Arn: t.ARN, Input: t.Input, InputPath: t.InputPath}
	if t.Template != nil {
		out.InputTransformer = &transformerJSON{t.Template.Paths, t.Template.Text}
	}
	if t.Group != "" {
		out.SqsParameters = &sqsJSON{t.Group}
	}
	if t.DeadLetters != "" {
		out.DeadLetterConfig = &deadLettersJSON{t.DeadLetters}
	}
	if t.Retries != nil || t.MaxAge != nil {
		out.RetryPolicy = &retryPolicyJSON{t.Retries, t.MaxAge}
	}
	return out
}

// failures are none: what cannot be done is refused as a whole.
type failures struct {
	FailedEntryCount int
	FailedEntries    []failure
}

type failure struct{}

func servePutTargets(s *Service, in struct {
	Rule, EventBusName string
	Targets            []targetJSON
}) (any, error) {
	var targets []Target
	for _, t := range in.Targets {
		targets = append(targets, t.target())
	}
	return failures{FailedEntries: []failure{}}, s.PutTargets(in.EventBusName, in.Rule, targets...)
}

func serveRemoveTargets(s *Service, in struct {
	Rule, EventBusName string
	Ids                []string
	Force              bool
}) (any, error) {
	return failures{FailedEntries: []failure{}}, s.RemoveTargets(in.EventBusName, in.Rule, in.Ids...)
}

func serveListTargets(s *Service, in struct {
	paging
	Rule, EventBusName string
}) (any, error) {
	r, err := s.Rule(in.EventBusName, in.Rule)
	if err != nil {
		return nil, err
	}
	some, next, err := page(r.Targets, in.paging)
	out := struct {
		Targets   []targetJSON
		NextToken string `json:",omitempty"`
	}{[]targetJSON{}, next}
	for _, t := range some {
		out.Targets = append(out.Targets, asJSON(t))
	}
	return out, err
}
