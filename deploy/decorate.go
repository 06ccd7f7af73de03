package deploy

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
)

// decorate gives the application's template to the hooks that change it, and then to those that look.
func (w *Workflow) decorate(ctx context.Context, t *cfn.Template) error {
	for _, f := range w.App.Functions() {
		target := ephor.FunctionTemplate{Function: f, ID: f.LogicalID(), Properties: t.Resources[f.LogicalID()].Properties, Template: t}
		decorators := f.Decorators()
		for i := len(w.Hooks) - 1; i >= 0; i-- {
			if d := w.Hooks[i].Function; d != nil {
				decorators = append([]ephor.Decorator{d}, decorators...)
			}
		}
		for _, decorate := range decorators {
			if err := decorate(w.within(ctx), &w.deployment, target); err != nil {
				return fmt.Errorf("hook Function, %s: %w", f.Name, err)
			}
		}
	}
	err := w.hook(ctx, "Service", func(h ephor.Hooks) hookFunc {
		if h.Service == nil {
			return nil
		}
		return func(ctx context.Context, d *ephor.Deployment) error { return h.Service(ctx, d, t) }
	})
	if err != nil {
		return err
	}
	text, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("encoding the template of %s: %w", w.App.Name(), err)
	}
	err = w.hook(ctx, "Validate", func(h ephor.Hooks) hookFunc {
		if h.Validate == nil {
			return nil
		}
		return func(ctx context.Context, d *ephor.Deployment) error {
			var copied cfn.Template
			if err := json.Unmarshal(text, &copied); err != nil {
				return err
			}
			return h.Validate(ctx, d, copied)
		}
	})
	if err != nil {
		return err
	}
	return w.hook(ctx, "AfterMarshal", func(h ephor.Hooks) hookFunc {
		if h.AfterMarshal == nil {
			return nil
		}
		return func(ctx context.Context, d *ephor.Deployment) error { return h.AfterMarshal(ctx, d, text) }
	})
}
