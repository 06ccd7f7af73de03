package cloudformation

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/ephor-io/ephor/cfn/parse"
)

// creationPolicy is how many signals a resource waits for until it counts as made, and for how long. It is
// signalled with SignalResource.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-creationpolicy.html
type creationPolicy struct {
	count   int
	timeout time.Duration
}

// maySignal are the types that have a creation policy, of those that are here.
func maySignal() []string { return []string{"AWS::EC2::Instance", waitConditionType} }

// checkCreationPolicy refuses a policy that would go unheeded.
func checkCreationPolicy(t *parse.Template, id string) error {
	path, r := "Resources."+id+".CreationPolicy", t.Resources[id]
	if r.CreationPolicy == nil {
		return nil
	}
	if !slices.Contains(maySignal(), r.Type) {
		return t.Errorf(path, "CreationPolicy is not supported for resource type %s", r.Type)
	}
	for _, key := range sortedKeys(r.CreationPolicy) {
		if key != "ResourceSignal" {
			return t.Errorf(path+"."+key, "%s is not supported here in a CreationPolicy: ResourceSignal is", key)
		}
	}
	return nil
}

// creationPolicy resolves the policy of a resource; nil if it has none.
func (o *operation) creationPolicy(id string) (*creationPolicy, error) {
	r, path := o.p.t.Resources[id], "Resources."+id+".CreationPolicy"
	if r.CreationPolicy == nil {
		return nil, nil
	}
	scope := o.p.scope
	scope.Resources = present{o.s, o.st}
	got, err := scope.Value(path, any(r.CreationPolicy))
	if err != nil {
		return nil, err
	}
	signal, ok := got.(map[string]any)["ResourceSignal"].(map[string]any)
	if !ok {
		return nil, o.p.t.Errorf(path, "ResourceSignal must be an object")
	}
	p := &creationPolicy{count: 1, timeout: 5 * time.Minute}
	for _, key := range sortedKeys(signal) {
		text, isText := parse.Text(signal[key])
		switch key {
		case "Count":
			if p.count, err = strconv.Atoi(text); !isText || err != nil || p.count < 1 {
				return nil, o.p.t.Errorf(path+".ResourceSignal.Count", "Count must be a number of 1 or more")
			}
		case "Timeout":
			if p.timeout, ok = duration(text); !isText || !ok || p.timeout > 12*time.Hour {
				return nil, o.p.t.Errorf(path+".ResourceSignal.Timeout", "Timeout must be a duration of 12 hours at most, such as PT15M")
			}
		default:
			return nil, o.p.t.Errorf(path+".ResourceSignal."+key, "Invalid CreationPolicy property %s", key)
		}
	}
	return p, nil
}

var iso8601 = regexp.MustCompile(`^PT(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})S)?$`)

// duration reads PT#H#M#S.
func duration(text string) (d time.Duration, ok bool) {
	m := iso8601.FindStringSubmatch(text)
	if m == nil || text == "PT" {
		return 0, false
	}
	for i, unit := range []time.Duration{time.Hour, time.Minute, time.Second} {
		n, _ := strconv.Atoi("0" + m[i+1]) // digits, if any
		d += time.Duration(n) * unit
	}
	return d, true
}

// policyHandle is the handle of a resource's signals; those of wait conditions are tokens alone.
func policyHandle(m *made) string { return "policy/" + m.Token }

// await waits for the signals of a resource whose provider has made it.
func (o *operation) await(ctx context.Context, m *made, p *creationPolicy) error {
	got, late, err := o.s.waits.collect(ctx, policyHandle(m), p.count, p.timeout)
	if late {
		return wordsf("Failed to receive %d resource signal(s) within the specified duration", p.count-len(got))
	}
	return err
}

// signalResource is
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_SignalResource.html
func (s *Service) signalResource(_ context.Context, f form) (any, error) {
	id, unique, status := f.get("LogicalResourceId"), f.get("UniqueId"), f.get("Status")
	if id == "" || unique == "" || status != "SUCCESS" && status != "FAILURE" {
		return nil, invalid("SignalResource takes a LogicalResourceId, a UniqueId and a Status, SUCCESS or FAILURE")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.stackFor(f, noStack)
	if err != nil {
		return nil, err
	}
	if st.Status != createInProgress && st.Status != updateInProgress {
		return nil, invalid("Stack %s is in %s state and cannot be signaled", st.ID, st.Status)
	}
	r := st.resources[id]
	switch {
	case r == nil:
		return nil, invalid("Resource %s does not exist for stack %s", id, st.Name)
	case r.Now == nil || !s.waits.has(policyHandle(r.Now)):
		return nil, invalid("Resource %s of stack %s is not waiting for signals: it has no CreationPolicy, or has got them", id, st.Name)
	}
	reason := "Received " + status + " signal with UniqueId " + unique
	var failure error
	if status == "FAILURE" {
		failure = wordsf("%s", reason)
	}
	if fresh := s.waits.put(policyHandle(r.Now), signal{UniqueID: unique}, failure); !fresh {
		return nil, nil // a retransmission
	}
	return nil, s.emitResource(st, r, r.Now, r.Status, reason)
}

// dataOf is what was signalled as JSON, {"UniqueId": "Data"}.
func dataOf(signals map[string]signal) (string, error) {
	data := map[string]string{}
	for id, s := range signals {
		data[id] = s.Data
	}
	text, err := json.Marshal(data)
	return string(text), err
}
