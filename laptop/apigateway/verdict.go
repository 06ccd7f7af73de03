package apigateway

import (
	"encoding/json"
	"sync"
	"time"
)

// verdict is what an authorizer's function said about a caller.
type verdict struct {
	policy    *policy // nil: allowed says it
	allowed   bool
	principal string                     // with a policy
	context   map[string]json.RawMessage // nil where the function gave none
	latency   time.Duration              // of the function
	until     time.Time
}

// decide says what it means for a call: 0 lets it go on.
func (v verdict) decide(arn string) refused {
	switch {
	case v.policy != nil:
		return v.policy.decide(arn)
	case v.allowed:
		return 0
	}
	return notAllowed
}

// verdicts are what one authorizer remembers, by the values of the identity sources, for ttl; 0 is
// nothing. All routes of a stage share them, so that a policy is asked about calls that it was not made
// for: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html#http-api-lambda-authorizer.caching
type verdicts struct {
	ttl time.Duration

	mu    sync.Mutex
	known map[string]verdict
}

// maxVerdicts bounds what one authorizer remembers.
const maxVerdicts = 1000

func (c *verdicts) find(key string, now time.Time) (verdict, bool) {
	if c.ttl == 0 {
		return verdict{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.known[key]
	return v, ok && now.Before(v.until)
}

func (c *verdicts) keep(key string, v verdict, now time.Time) {
	if c.ttl == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= maxVerdicts {
		c.known = map[string]verdict{}
	}
	v.until = now.Add(c.ttl)
	c.known[key] = v
}
