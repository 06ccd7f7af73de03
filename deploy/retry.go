package deploy

import (
	"errors"
	"io"
	"net"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
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
		o.Retryables = append(o.Retryables, retry.IsErrorRetryableFunc(brokenOff))
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

// brokenOff says that an answer had begun when its connection ended. The SDK tries again only where none had: then
// a deployment that is waited for would be given up for a moment's trouble with the network.
func brokenOff(err error) aws.Ternary {
	var unread *smithy.DeserializationError
	var network *net.OpError
	if errors.As(err, &unread) && (errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network)) {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}
