package sns

import (
	"encoding/json"
	"fmt"

	"github.com/ephor-io/ephor/laptop/internal/pattern"
)

// The scopes of a filter policy:
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-filtering-scope.html
const scopeAttributes, scopeBody = "MessageAttributes", "MessageBody"

// Limits of a filter policy:
// https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html
const maxFilterKeys, maxFilterCombinations, maxFilterSize = 5, 150, 256 << 10

// filter is a filter policy; the zero value lets everything through.
type filter struct {
	pattern *pattern.Pattern
	body    bool
}

func newFilter(policy, scope string) (filter, error) {
	bad := func(format string, args ...any) error {
		return invalid("FilterPolicy: %s", fmt.Sprintf(format, args...))
	}
	if scope != "" && scope != scopeAttributes && scope != scopeBody {
		return filter{}, invalid("FilterPolicyScope: Invalid value [%s]. Please use either MessageBody or MessageAttributes", scope)
	}
	f := filter{body: scope == scopeBody}
	if policy == "" {
		return f, nil
	}
	if len(policy) > maxFilterSize {
		return f, bad("it has %d bytes; %d are allowed", len(policy), maxFilterSize)
	}
	var members map[string]any
	if err := json.Unmarshal([]byte(policy), &members); err != nil {
		return f, bad("failed to parse JSON. %v", err)
	}
	if len(members) == 0 {
		return f, nil
	}
	if len(members) > maxFilterKeys {
		return f, bad("Filter policy can not have more than %d keys", maxFilterKeys)
	}
	combinations, nested := complexity(members, 1)
	if combinations > maxFilterCombinations {
		return f, bad("Filter policy is too complex: the numbers of its lists' values, each times the depth of its key, multiply to more than %d", maxFilterCombinations)
	}
	if nested && !f.body {
		return f, bad("Filter policy scope MessageAttributes does not support nested filter policy")
	}
	var err error
	if f.pattern, err = pattern.Parse(policy); err != nil {
		return f, bad("%v", err)
	}
	return f, nil
}

// complexity multiplies the numbers of values in all lists, each times the depth at which its key is nested, and says
// whether objects are nested. The parts of an $or are added.
func complexity(members map[string]any, depth int) (combinations int, nested bool) {
	combinations = 1
	for name, v := range members {
		n := 1
		switch v := v.(type) {
		case []any:
			n = len(v) * depth
			if name != "$or" {
				break
			}
			n = 0
			for _, one := range v {
				if part, is := one.(map[string]any); is {
					more, deep := complexity(part, depth)
					n, nested = n+more, nested || deep
				}
			}
		case map[string]any:
			n, _ = complexity(v, depth+1)
			nested = true
		}
		combinations = min(combinations*max(n, 1), maxFilterCombinations+1)
	}
	return combinations, nested
}

// fits says that a message is let through.
//
// https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
func (f filter) fits(m Message) bool {
	if f.pattern == nil {
		return true
	}
	if f.body {
		fits, err := f.pattern.MatchJSON([]byte(m.Body))
		return err == nil && fits // what is not JSON has none of the properties
	}
	event := map[string]any{}
	for name, a := range m.Attributes {
		switch a.DataType {
		case "String":
			event[name] = a.StringValue
		case "Number":
			event[name] = json.Number(a.StringValue)
		case "String.Array":
			if list, err := pattern.Decode([]byte(a.StringValue)); err == nil {
				event[name] = list
			}
		} // Binary is ignored
	}
	return f.pattern.Match(event)
}
