package deploy

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

const (
	// throttledAttempts, 20 s apart at most, are some six minutes.
	throttledAttempts = 25
	// otherAttempts is the SDK's own number.
	otherAttempts = retry.DefaultMaxAttempts
)

// patient waits throttling out and gives up on all else as early as the SDK does: an account's calls are
// counted together, so what throttles a deployment is most often somebody else's, and passes.
//
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
func patient() aws.Retryer {
	return patientRetryer{retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = throttledAttempts
		o.MaxBackoff = 20 * time.Second
		o.RateLimiter = ratelimit.None // the SDK's would end the patience early
	})}
}

type patientRetryer struct{ *retry.Standard }

// RetryDelay ends the attempts with the error that they met.
func (r patientRetryer) RetryDelay(attempt int, err error) (time.Duration, error) {
	throttled := retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err) == aws.TrueTernary
	if !throttled && attempt >= otherAttempts {
		return 0, err
	}
	return r.Standard.RetryDelay(attempt, err)
}
