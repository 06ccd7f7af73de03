package dashboard

import (
	"errors"
	"fmt"
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
	// many functions are rarely called.
	Silence time.Duration
	// BackupAge is how old the last backup of the monitoring host's store may be; 0 means
	// DefaultBackupAge. Where none is made, there is no alert.
	BackupAge time.Duration
}

// DefaultErrorShare is Alerts.ErrorShare where that is 0.
const DefaultErrorShare = 0.05

// BackupEvery is how often the monitoring host makes a backup, and DefaultBackupAge is Alerts.BackupAge
// where that is 0: one may fail.
const (
	BackupEvery      = 6 * time.Hour
	DefaultBackupAge = 2*BackupEvery + time.Hour
)

// Validate reports thresholds that can never or always be exceeded.
func (a Alerts) Validate() error {
	var errs []error
	if a.ErrorShare >= 1 {
		errs = append(errs, fmt.Errorf("alerts: an error share of %g is never exceeded: it is a part, such as 0.05", a.ErrorShare))
	}
	if a.P99 > 0 && a.P99 < time.Millisecond {
		errs = append(errs, fmt.Errorf("alerts: a P99 of %s is less than the millisecond that durations are shown in", a.P99))
	}
	if a.Silence > 0 && a.Silence < time.Minute {
		errs = append(errs, fmt.Errorf("alerts: a silence of %s is less than the minute in which alerts are looked at", a.Silence))
	}
	if a.BackupAge > 0 && a.BackupAge <= BackupEvery {
		errs = append(errs, fmt.Errorf("alerts: a backup age of %s is exceeded always: one is made every %s", a.BackupAge, BackupEvery))
	}
	return errors.Join(errs...)
}
