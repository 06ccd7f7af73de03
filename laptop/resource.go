package laptop

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/ephor-io/ephor/laptop/cloudformation"
	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// resource makes a CloudFormation resource type out of a service's calls. To add a type, write one
// of these in a file of its own and name it in providers.
//
// P is what the type's properties are decoded into, its fields named as in AWS's reference.
type resource[P any] struct {
	schema cloudformation.Schema
	// create makes the resource; it runs again with the same token after a crash, and must then
	// find or replace what it made.
	create func(context.Context, cloudformation.Request, P) (cloudformation.Resource, error)
	// update changes it in place; nil for a type of which every change is a replacement.
	update func(context.Context, cloudformation.Request, P) (cloudformation.Resource, error)
	// remove deletes it. Of a resource whose creation was cut off it gets no physical ID.
	remove func(context.Context, cloudformation.Request, P) error
	// exists reports whether the service still has it.
	exists func(cloudformation.Request, P) bool
	// restore, if not nil, takes the place of update for a resource that is there when the laptop
	// starts again.
	restore func(context.Context, cloudformation.Request, P) (cloudformation.Resource, error)
}

func (p resource[P]) Schema() cloudformation.Schema { return p.schema }

func (p resource[P]) decode(r cloudformation.Request) (P, error) {
	var properties P
	if err := r.Decode(&properties); err != nil {
		return properties, fmt.Errorf("%s: %w", r.LogicalID, err)
	}
	return properties, nil
}

func (p resource[P]) Create(ctx context.Context, r cloudformation.Request) (cloudformation.Resource, error) {
	properties, err := p.decode(r)
	if err != nil {
		return cloudformation.Resource{}, err
	}
	return p.create(ctx, r, properties)
}

func (p resource[P]) Update(ctx context.Context, r cloudformation.Request) (cloudformation.Resource, error) {
	properties, err := p.decode(r)
	if err != nil {
		return cloudformation.Resource{}, err
	}
	if p.update == nil {
		return cloudformation.Resource{PhysicalID: r.PhysicalID, Attributes: r.Attributes}, nil
	}
	return p.update(ctx, r, properties)
}

func (p resource[P]) Delete(ctx context.Context, r cloudformation.Request) error {
	properties, err := p.decode(r)
	if err != nil {
		return err
	}
	if r.PhysicalID != "" && !p.exists(r, properties) {
		return nil
	}
	return p.remove(ctx, r, properties)
}

func (p resource[P]) Restore(ctx context.Context, r cloudformation.Request) (cloudformation.Resource, error) {
	properties, err := p.decode(r)
	if err != nil {
		return cloudformation.Resource{}, err
	}
	switch {
	case !p.exists(r, properties):
		return p.create(ctx, r, properties)
	case p.restore != nil:
		return p.restore(ctx, r, properties)
	}
	return p.Update(ctx, r)
}

// made is a resource with its attributes, or the error that it was not made with.
func made(id string, attributes map[string]any, err error) (cloudformation.Resource, error) {
	if err != nil {
		return cloudformation.Resource{}, err
	}
	return cloudformation.Resource{PhysicalID: id, Attributes: attributes}, nil
}

// physical is the name of a resource: the one it has, the one that its properties give it, or one
// made up in CloudFormation's way, of at most limit characters (0: any number).
func physical(r cloudformation.Request, given string, limit int, spell func(string) string) string {
	switch {
	case r.PhysicalID != "":
		return r.PhysicalID
	case given != "":
		return given
	}
	return spell(r.PhysicalName(limit))
}

func asItIs(s string) string    { return s }
func lowerCase(s string) string { return strings.ToLower(s) }

// same reports whether a property is what it was.
func same(r cloudformation.Request, property string) bool {
	return reflect.DeepEqual(r.OldProperties[property], r.Properties[property])
}

// goneIsFine passes over the error of deleting what is not there.
func goneIsFine(err error) error {
	var e *awsproto.Error
	if errors.As(err, &e) && e.Status == http.StatusNotFound {
		return nil
	}
	return err
}

// tags are a list of keys and values, as most types take them.
type tags []struct{ Key, Value string }

func (t tags) toMap() map[string]string {
	m := make(map[string]string, len(t))
	for _, tag := range t {
		m[tag.Key] = tag.Value
	}
	return m
}
