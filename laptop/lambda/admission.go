package lambda

import (
	"sync/atomic"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

const (
	// requestsPerConcurrency is how many requests a second each unit of concurrency admits. See
	// https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html#concurrency-and-requests-per-second
	requestsPerConcurrency = 10
	// scalingPeriod is the time in which a function may get Config.ScalingRate more environments. See
	// https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html
	scalingPeriod = 10 * time.Second
)

// admit counts a request as in flight, or refuses it. The result gives the place back.
//
// Provisioned concurrency comes first; a request beyond it counts as any other. Where concurrency is
// reserved, all of it is.
func (f *function) admit() (leave func(), err error) {
	s, fam := f.service, f.family
	if reserved := fam.reservation(); reserved != nil {
		return f.count(&fam.reserved, int64(*reserved), &fam.requests, *reserved, throttleReserved)
	}
	if p := f.provisioned.Load(); p > 0 {
		if leave, ok := enter(&f.onProvisioned, p); ok {
			return leave, nil
		}
	}
	return f.count(&s.inFlight, s.unreserved.Load(), &s.requests, s.cfg.ConcurrencyLimit, throttleAccount)
}

// throttleReasons are what Lambda calls the two limits.
type throttleReasons struct{ concurrency, rate string }

var (
	throttleReserved = throttleReasons{"ReservedFunctionConcurrentInvocationLimitExceeded", "ReservedFunctionInvocationRateLimitExceeded"}
	throttleAccount  = throttleReasons{"ConcurrentInvocationLimitExceeded", "FunctionInvocationRateLimitExceeded"}
)

func (f *function) count(inFlight *atomic.Int64, limit int64, requests *meter, concurrency int, reasons throttleReasons) (func(), error) {
	leave, ok := enter(inFlight, limit)
	if !ok {
		return nil, f.throttle(reasons.concurrency)
	}
	rate := float64(concurrency) * f.service.cfg.requestRate
	if !requests.take(f.service.uptime(), rate, rate) {
		leave()
		return nil, f.throttle(reasons.rate)
	}
	return leave, nil
}

// enter takes one of limit places.
func enter(count *atomic.Int64, limit int64) (leave func(), ok bool) {
	if count.Add(1) > limit {
		count.Add(-1)
		return nil, false
	}
	return func() { count.Add(-1) }, true
}

// limits are what the limit is called that the function's environments have: its reservation's, or the account's.
func (f *function) limits() throttleReasons {
	if f.family.reservation() != nil {
		return throttleReserved
	}
	return throttleAccount
}

func (f *function) throttle(reason string) error {
	f.counters.throttles.Add(1)
	return &Throttled{Reason: reason}
}

// mayStart takes one from what the scaling rate allows.
func (f *family) mayStart() bool {
	rate := float64(f.service.cfg.ScalingRate)
	return f.scaling.take(f.service.uptime(), rate/scalingPeriod.Seconds(), rate)
}

// uptime is the time since the service was opened.
func (s *Service) uptime() time.Duration { return time.Since(s.opened) }

// Throttled is a request that was refused for want of concurrency. It unwraps to what Lambda
// answers: TooManyRequestsException.
type Throttled struct {
	// Reason is one of those in https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors
	Reason string
}

func (t *Throttled) Error() string { return t.Unwrap().Error() + " (" + t.Reason + ")" }

// Unwrap returns the error that goes over the wire.
func (t *Throttled) Unwrap() error {
	return &awsproto.Error{Code: "TooManyRequestsException", Message: "Rate Exceeded.", Status: 429}
}
