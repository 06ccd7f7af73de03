package dashboard

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Alerts are the thresholds of an application's alerts. The zero value has the defaults; a negative
// value turns an alert off.
type Alerts struct {
	// ErrorShare is the part of a function's invocations in five minutes, 0 to 1, above which too
	// many fail; 0 means 0.05.
	ErrorShare float64
	// P99 is what 99 of 100 invocations of a function in five minutes shall not exceed; 0 means no
	// alert, because what is slow is the application's own affair.
	P99 time.Duration
	// Dropped is how many points an execution environment may give up for lost; 0 means none.
	Dropped int
	// Silence is how long no invocation may come in before that is strange; 0 means no alert, because
	// many functions are rarely called. No longer than the store keeps each invocation: the host's, its parameter RawDays.
	Silence time.Duration
	// Throttles is how many invocations of a function Lambda may turn away in five minutes; 0 means none. Functions
	// know nothing of it: an alarm of CloudWatch looks, one for each function, on AWS alone.
	Throttles int
	// HostSilence is how long the monitoring host may say nothing to CloudWatch, in whole minutes, two at least; 0 means
	// five minutes. A negative value turns off the alarm of EC2's checks, too.
	HostSilence time.Duration
	// BackupAge is how old the last backup of the monitoring host's store may be; 0 means
	// DefaultBackupAge. Where none is made, there is no alert.
	BackupAge time.Duration
}

// DefaultErrorShare is Alerts.ErrorShare where that is 0.
const DefaultErrorShare = 0.05

// DefaultHostSilence is Alerts.HostSilence where that is 0.
const DefaultHostSilence = 5 * time.Minute

// maxHostSilence is what an alarm of CloudWatch looks back on with periods of a minute.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
const maxHostSilence = 24 * time.Hour

// maxDuration is the longest that an invocation takes.
//
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const maxDuration = 15 * time.Minute

// BackupEvery is how often the monitoring host makes a backup, and DefaultBackupAge is Alerts.BackupAge
// where that is 0: one may fail.
const (
	BackupEvery      = 6 * time.Hour
	DefaultBackupAge = 2*BackupEvery + time.Hour
)

// Validate reports thresholds that can never or always be exceeded.
func (a Alerts) Validate() error {
	var errs []error
	if math.IsNaN(a.ErrorShare) {
		errs = append(errs, errors.New("alerts: an error share that is no number: it is a part, such as 0.05"))
	}
	if a.ErrorShare >= 1 {
		errs = append(errs, fmt.Errorf("alerts: an error share of %g is never exceeded: it is a part, such as 0.05", a.ErrorShare))
	}
	if a.P99 > 0 && a.P99 < time.Millisecond {
		errs = append(errs, fmt.Errorf("alerts: a P99 of %s is less than the millisecond that durations are shown in", a.P99))
	}
	if a.P99 >= maxDuration {
		errs = append(errs, fmt.Errorf("alerts: a P99 of %s is never exceeded: Lambda ends an invocation after %s", a.P99, maxDuration))
	}
	if a.Silence > 0 && a.Silence < time.Minute {
		errs = append(errs, fmt.Errorf("alerts: a silence of %s is less than the minute in which alerts are looked at", a.Silence))
	}
	if s := a.HostSilence; s > 0 && (s < 2*time.Minute || s > maxHostSilence || s%time.Minute != 0) {
		errs = append(errs, fmt.Errorf("alerts: a silence of the host of %s: it speaks once a minute, and CloudWatch looks back a day: whole minutes from 2m to 24h", s))
	}
	if a.BackupAge > 0 && a.BackupAge <= BackupEvery {
		errs = append(errs, fmt.Errorf("alerts: a backup age of %s is exceeded always: one is made every %s", a.BackupAge, BackupEvery))
	}
	return errors.Join(errs...)
}
