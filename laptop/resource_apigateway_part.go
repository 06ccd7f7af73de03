package laptop

import (
	"context"

	"github.com/ephor-io/ephor/laptop/cloudformation"
)

// apiPart is a resource type for what an API is made of, which its service knows by the API's ID and its own.
// P are the type's properties, In what the service takes, and V what it has.
type apiPart[P, In, V any] struct {
	schema cloudformation.Schema // its one attribute is the part's ID
	api    func(P) string
	input  func(P) In
	id     func(V) string
	get    func(api, id string) (V, error)
	create func(api string, in In) (V, error)
	update func(api, id string, in In) (V, error) // nil where every change is a replacement
	remove func(api, id string) error
	// find, if not nil, is resource.find. Else a part is found by its physical ID alone. One whose creation was
	// cut off is not: nothing leads to it, so it answers nothing, and its API takes it along.
	find func(cloudformation.Request, P) (V, string, bool)
}

// itself is the input of a service that takes the properties one by one.
func itself[P any](p P) P { return p }

func (t apiPart[P, In, V]) provider() cloudformation.Provider {
	made := func(v V, err error) (cloudformation.Resource, error) {
		return made(t.id(v), map[string]any{t.schema.Attributes[0]: t.id(v)}, err)
	}
	find := t.find
	if find == nil {
		find = func(r cloudformation.Request, p P) (V, string, bool) {
			v, err := t.get(t.api(p), r.PhysicalID)
			return v, "", err == nil
		}
	}
	out := resource[P]{
		schema: t.schema,
		find: func(r cloudformation.Request, p P) (cloudformation.Resource, string, bool) {
			v, token, ok := find(r, p)
			got, _ := made(v, nil)
			return got, token, ok
		},
		create: func(_ context.Context, _ cloudformation.Request, p P) (cloudformation.Resource, error) {
			return made(t.create(t.api(p), t.input(p)))
		},
		remove: func(_ context.Context, r cloudformation.Request, p P) error {
			return t.remove(t.api(p), r.PhysicalID)
		},
	}
	if t.update != nil {
		out.update = func(_ context.Context, r cloudformation.Request, p P) (cloudformation.Resource, error) {
			return made(t.update(t.api(p), r.PhysicalID, t.input(p)))
		}
	}
	return out
}
