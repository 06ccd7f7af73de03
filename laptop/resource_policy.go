package laptop

import (
	"context"

	"github.com/ephor-io/ephor/laptop/cloudformation"
)

// sharedPolicy makes the type of a policy that several things of a service are given. Each of them is
// marked with the policy's ID, which is made of the token, so what has it is the resource.
type sharedPolicy[P any] struct {
	required []string
	// of tells the document and what gets it, the property key.
	of   func(P) (document any, them []string)
	key  string
	mark func(thing string) (string, error)
	// set gives a thing the policy and the mark, "" to take both away.
	set func(thing, document, mark string) error
	// gone says that an error means that the thing is not there.
	gone func(error) bool
}

func (s sharedPolicy[P]) provider() cloudformation.Provider {
	id := func(r cloudformation.Request) string { return r.PhysicalName(0) }
	clear := func(r cloudformation.Request, things []string) error {
		for _, thing := range things {
			mark, err := s.mark(thing)
			if err == nil && mark == id(r) {
				err = s.set(thing, "", "")
			}
			if err != nil && !s.gone(err) {
				return err
			}
		}
		return nil
	}
	put := func(_ context.Context, r cloudformation.Request, p P) (cloudformation.Resource, error) {
		raw, things := s.of(p)
		document, err := policy(raw)
		if err != nil {
			return cloudformation.Resource{}, err
		}
		for _, thing := range things {
			if err := s.set(thing, document, id(r)); err != nil {
				return cloudformation.Resource{}, err
			}
		}
		return made(id(r), map[string]any{"Id": id(r)}, nil)
	}
	return resource[P]{
		schema: cloudformation.Schema{Properties: s.required, Required: s.required, Attributes: []string{"Id"}},
		find: func(r cloudformation.Request, p P) (cloudformation.Resource, string, bool) {
			got, _ := made(id(r), map[string]any{"Id": id(r)}, nil)
			_, things := s.of(p)
			for _, thing := range things {
				if mark, err := s.mark(thing); err == nil && mark == id(r) {
					return got, r.Token, true
				}
			}
			return got, r.Token, false
		},
		create: put,
		update: func(ctx context.Context, r cloudformation.Request, p P) (cloudformation.Resource, error) {
			_, things := s.of(p)
			keep := map[string]bool{}
			for _, thing := range things {
				keep[thing] = true
			}
			had, _ := r.OldProperties[s.key].([]any)
			for _, thing := range had {
				if thing, ok := thing.(string); ok && !keep[thing] {
					if err := clear(r, []string{thing}); err != nil {
						return cloudformation.Resource{}, err
					}
				}
			}
			return put(ctx, r, p)
		},
		remove: func(_ context.Context, r cloudformation.Request, p P) error {
			_, things := s.of(p)
			return clear(r, things)
		},
	}
}
