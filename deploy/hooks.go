package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ephor-io/ephor"
)

// steps takes one after the other until one fails.
func (w *Workflow) steps(ctx context.Context, steps ...func(context.Context) error) error {
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Failed calls the rollback hooks, if err is one, and returns err and theirs.
func (w *Workflow) Failed(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	ctx, cancel := ending(ctx)
	defer cancel()
	errs := []error{err}
	for _, h := range slices.Backward(w.Hooks) {
		if h.Rollback == nil {
			continue
		}
		if herr := h.Rollback(w.within(ctx), &w.deployment, err); herr != nil {
			errs = append(errs, fmt.Errorf("hook Rollback: %w", herr))
		}
	}
	if len(errs) == 1 {
		return err
	}
	return errors.Join(errs...)
}

// within is the context that hooks get.
func (w *Workflow) within(ctx context.Context) context.Context {
	if w.Deployer == nil {
		return ctx
	}
	return WithAWS(ctx, w.Deployer.config)
}

type hookFunc = func(context.Context, *ephor.Deployment) error

// hook calls one hook of each set.
func (w *Workflow) hook(ctx context.Context, name string, pick func(ephor.Hooks) hookFunc) error {
	for _, h := range w.Hooks {
		f := pick(h)
		if f == nil {
			continue
		}
		if err := f(w.within(ctx), &w.deployment); err != nil {
			return fmt.Errorf("hook %s: %w", name, err)
		}
	}
	return nil
}
