// Package cloudwatch keeps alarms of Amazon CloudWatch on this machine, as records: nothing here is measured for them,
// so no alarm ever leaves the state that it is made in, and none tells anybody anything.
//
//	service, err := cloudwatch.Open(cloudwatch.Config{Dir: dir})
//	alarm, err := service.PutAlarm(cloudwatch.Alarm{Name: "silent", …})
package cloudwatch

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/state"
)

// Config configures a Service.
type Config struct {
	// Dir is where alarms are kept.
	Dir string
	// Region and Account stand in ARNs; "" means us-east-1 and 000000000000.
	Region, Account string
}

// Service is CloudWatch's alarms. It is safe for concurrent use.
type Service struct {
	config Config
	files  state.Folder[Alarm]

	mu     sync.Mutex
	alarms map[string]Alarm // by name
}

// Alarm is what AWS::CloudWatch::Alarm takes of one metric, and the state that AWS gives a new one, for good.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
type Alarm struct {
	Name, Description                    string
	Namespace, MetricName                string
	Dimensions                           map[string]string
	Statistic, ExtendedStatistic         string
	ComparisonOperator                   string
	Threshold                            *float64
	Period, EvaluationPeriods            int // the first in seconds
	DatapointsToAlarm                    int // 0: as many as EvaluationPeriods
	TreatMissingData                     string
	Actions, OKActions, InsufficientData []string // ARNs
	ActionsDisabled                      bool
	Tags                                 map[string]string
	State                                string
	ClientToken                          string // of the creation that made it
}

// StateInsufficientData is the state of every alarm here.
const StateInsufficientData = "INSUFFICIENT_DATA"

// Open loads what Dir holds.
func Open(config Config) (*Service, error) {
	config.Region, config.Account = cmp.Or(config.Region, "us-east-1"), cmp.Or(config.Account, "000000000000")
	s := &Service{config: config, files: state.Folder[Alarm]{Dir: config.Dir}, alarms: map[string]Alarm{}}
	all, err := s.files.Load()
	if err != nil {
		return nil, fmt.Errorf("opening CloudWatch: %w", err)
	}
	for _, a := range all {
		s.alarms[a.Name] = a
	}
	return s, nil
}

// Close does nothing: every call is durable before it returns.
func (s *Service) Close() error { return nil }

// The limits of AWS's page of PutMetricAlarm.
const (
	maxName       = 255
	maxDimensions = 30
	maxActions    = 5
	day, week     = 86_400, 604_800
)

func (a Alarm) validate() error {
	one := func(what, value string, of ...string) error {
		if slices.Contains(of, value) {
			return nil
		}
		return fail("ValidationError", "%s %q is not one of %s", what, value, of)
	}
	err := one("ComparisonOperator", a.ComparisonOperator, "GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold")
	if err == nil {
		err = one("TreatMissingData", a.TreatMissingData, "", "breaching", "notBreaching", "ignore", "missing")
	}
	if err == nil && a.ExtendedStatistic == "" {
		err = one("Statistic", a.Statistic, "SampleCount", "Average", "Sum", "Minimum", "Maximum")
	}
	if err != nil {
		return err
	}
	longest := day // of all periods together
	if a.Period >= 3600 {
		longest = week
	}
	switch {
	case a.Name == "" || len(a.Name) > maxName:
		return fail("ValidationError", "an alarm's name has 1 to %d characters", maxName)
	case a.Namespace == "" || a.MetricName == "":
		return fail("ValidationError", "alarm %s: it needs a Namespace and a MetricName", a.Name)
	case a.Statistic != "" && a.ExtendedStatistic != "":
		return fail("InvalidParameterCombination", "alarm %s: it has a Statistic and an ExtendedStatistic", a.Name)
	case a.Threshold == nil:
		return fail("ValidationError", "alarm %s: it needs a Threshold", a.Name)
	case a.Period < 10 || a.Period > 30 && a.Period%60 != 0 || a.Period < 60 && a.Period%10 != 0:
		return fail("ValidationError", "alarm %s: the Period is %d seconds: 10, 20, 30 or a multiple of 60", a.Name, a.Period)
	case a.EvaluationPeriods < 1 || a.EvaluationPeriods*a.Period > longest:
		return fail("ValidationError", "alarm %s: %d periods of %d s: all of them together are a day at most, or a week of an hour each or more", a.Name, a.EvaluationPeriods, a.Period)
	case a.DatapointsToAlarm < 0 || a.DatapointsToAlarm > a.EvaluationPeriods:
		return fail("ValidationError", "alarm %s: DatapointsToAlarm is %d of %d periods", a.Name, a.DatapointsToAlarm, a.EvaluationPeriods)
	case len(a.Dimensions) > maxDimensions:
		return fail("ValidationError", "alarm %s: it has more than %d dimensions", a.Name, maxDimensions)
	case max(len(a.Actions), len(a.OKActions), len(a.InsufficientData)) > maxActions:
		return fail("ValidationError", "alarm %s: it has more than %d actions of a kind", a.Name, maxActions)
	}
	return nil
}

// CreateAlarm makes an alarm; one of its name is an error, as CloudFormation has it.
func (s *Service) CreateAlarm(a Alarm) (Alarm, error) {
	return s.put(a, func(had Alarm, there bool) error {
		if there {
			return fail("AlreadyExists", "%s already exists", had.Name)
		}
		return nil
	})
}

// ChangeAlarm gives the alarm of the name other properties.
func (s *Service) ChangeAlarm(a Alarm) (Alarm, error) {
	return s.put(a, func(_ Alarm, there bool) error {
		if !there {
			return noAlarm(a.Name)
		}
		return nil
	})
}

func (s *Service) put(a Alarm, may func(had Alarm, there bool) error) (Alarm, error) {
	if err := a.validate(); err != nil {
		return Alarm{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	had, there := s.alarms[a.Name]
	if err := may(had, there); err != nil {
		return Alarm{}, err
	}
	a.State, a.ClientToken = StateInsufficientData, cmp.Or(had.ClientToken, a.ClientToken)
	a.Dimensions, a.Tags = maps.Clone(a.Dimensions), maps.Clone(a.Tags)
	if err := s.files.Save(state.Name(a.Name), a); err != nil {
		return Alarm{}, err
	}
	s.alarms[a.Name] = a
	return a, nil
}

// Alarm finds an alarm.
func (s *Service) Alarm(name string) (Alarm, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.alarms[name]
	if !ok {
		return Alarm{}, noAlarm(name)
	}
	return a, nil
}

// DeleteAlarm removes an alarm.
func (s *Service) DeleteAlarm(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.alarms[name]; !ok {
		return noAlarm(name)
	}
	if err := s.files.Remove(state.Name(name)); err != nil {
		return err
	}
	delete(s.alarms, name)
	return nil
}

// ARN is an alarm's.
func (s *Service) ARN(name string) string {
	return "arn:aws:cloudwatch:" + s.config.Region + ":" + s.config.Account + ":alarm:" + name
}

func noAlarm(name string) error {
	return &awsproto.Error{Code: "ResourceNotFound", Status: http.StatusNotFound, Message: "there is no alarm " + name}
}

func fail(code, format string, args ...any) error { return awsproto.Errorf(code, format, args...) }
