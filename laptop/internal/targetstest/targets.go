// Package targetstest stands for what services deliver to, functions, queues and topics, in their tests:
//
//	w := targetstest.New[string]()
//	… // functions are called by w.Invoke, the rest is delivered by w.Take and w.TakeWith, problems are told to w.Problem
//	if got := w.Of(queue); len(got) != 1 { … }
//
// What it holds is seen through its methods alone, since a service delivers from goroutines of its own.
package targetstest

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// Targets are all that one service delivers to, each known by its ARN. A is an attribute of its messages.
// They are safe for concurrent use.
type Targets[A any] struct {
	from time.Time

	mu         sync.Mutex
	got        map[string][]string
	attributes map[string]A
	attempts   []time.Duration
	fail       func(target string) error
	problems   []string
}

// New returns targets that take everything. Their clock begins now.
func New[A any]() *Targets[A] {
	return &Targets[A]{from: time.Now(), got: map[string][]string{}}
}

// Fail has each delivery from now on return what fail says of its target; nil takes everything. fail must not
// call the targets.
func (w *Targets[A]) Fail(fail func(target string) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fail = fail
}

// Take is an attempt to deliver body.
func (w *Targets[A]) Take(target, body string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.attempts = append(w.attempts, time.Since(w.from))
	if w.fail != nil {
		if err := w.fail(target); err != nil {
			return err
		}
	}
	w.got[target] = append(w.got[target], body)
	return nil
}

// TakeWith is an attempt to deliver body with attributes.
func (w *Targets[A]) TakeWith(target, body string, attributes map[string]A) error {
	w.mu.Lock()
	w.attributes = maps.Clone(attributes)
	w.mu.Unlock()
	return w.Take(target, body)
}

// Invoke is an attempt to call a function with an event, on behalf of somebody.
func (w *Targets[A]) Invoke(_ context.Context, function, _ string, event []byte) error {
	return w.Take(function, string(event))
}

// Problem is told what the service says of what is lost.
func (w *Targets[A]) Problem(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.problems = append(w.problems, err.Error())
}

// Of is what a target got, in order.
func (w *Targets[A]) Of(target string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.got[target])
}

// All is what each target got that got something.
func (w *Targets[A]) All() map[string][]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := maps.Clone(w.got)
	for target, bodies := range all {
		all[target] = slices.Clone(bodies)
	}
	return all
}

// Attributes are those of the last TakeWith.
func (w *Targets[A]) Attributes() map[string]A {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.attributes)
}

// Attempts are the times of all attempts since New, of those that failed too.
func (w *Targets[A]) Attempts() []time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.attempts)
}

// Problems are those that were told.
func (w *Targets[A]) Problems() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.problems)
}
