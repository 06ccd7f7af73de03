package command

import "errors"

// The program's exit statuses.
const (
	statusDone       = 0
	statusFailed     = 1
	statusUsage      = 2
	statusUnexpected = 3
)

// Error is an error as a person meets it: with a status for the shell and, where there is a
// way out, a hint that names it.
type Error struct {
	Status int    // the exit status; 0 means 1
	Hint   string // what to do next, as a command where there is one
	Err    error
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// hinted puts a hint on err.
func hinted(err error, hint string) error { return &Error{Err: err, Hint: hint} }

// status is the exit status that err asks for.
func status(err error) int {
	var e *Error
	switch {
	case err == nil:
		return statusDone
	case errors.As(err, &e) && e.Status != 0:
		return e.Status
	}
	return statusFailed
}
