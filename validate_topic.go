package ephor

import (
	"encoding/json"
	"slices"
)

// maxPattern is how many characters a rule's pattern has at most:
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
const maxPattern = 4096

func (a *App) validateNotifications(t Trigger, s Notifications, before []Trigger, bad bad) {
	if s.Topic == nil || !slices.Contains(a.topics, s.Topic) {
		bad("its topic does not belong to this application")
		return
	}
	a.validateDeadLetters(s.DeadLetters, bad)
	for _, other := range before {
		if o, ok := other.Source.(Notifications); ok && o.Topic == s.Topic && other.Function == t.Function {
			bad("they call the function already: SNS has one subscription of a function to a topic")
		}
	}
	if s.Filter == "" {
		if s.Body {
			bad("Body says where Filter looks, and there is none")
		}
		return
	}
	policy, ok := object("Filter", s.Filter, bad)
	if len(policy) > 5 { // https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html
		bad("Filter has %d keys; SNS takes 5", len(policy))
	}
	for key, value := range policy {
		if _, nested := value.(map[string]any); ok && nested && !s.Body {
			bad("Filter looks into %q; attributes hold nothing within them, only a Body does", key)
		}
	}
}

func (a *App) validateEvents(t Trigger, s Events, before []Trigger, bad bad) {
	if s.Bus != nil && !slices.Contains(a.buses, s.Bus) {
		bad("its bus does not belong to this application")
	}
	a.validateDeadLetters(s.DeadLetters, bad)
	if slices.ContainsFunc(before, func(o Trigger) bool { return o.Function == t.Function && o.Source == Source(s) }) {
		bad("they call the function already")
	}
	if len(s.Pattern) > maxPattern {
		bad("Pattern has %d characters; EventBridge takes %d", len(s.Pattern), maxPattern)
	}
	if pattern, ok := object("Pattern", s.Pattern, bad); ok && len(pattern) == 0 {
		bad(`Pattern is empty; one is {"source": ["shop"]}`)
	}
}

func (a *App) validateDeadLetters(q *Queue, bad bad) {
	if q != nil && (q.FIFO || !slices.Contains(a.queues, q)) {
		bad("DeadLetters is a queue of this application that is not FIFO")
	}
}

// object reads text that is a JSON object.
func object(name, text string, bad bad) (map[string]any, bool) {
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil || m == nil {
		bad("%s %s is no JSON object: %v", name, text, err)
		return nil, false
	}
	return m, true
}
