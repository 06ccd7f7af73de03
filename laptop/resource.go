package laptop

import (
	"context"
	"errors"
	"maps"
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
	// find tells what the service has and the token of the creation that made it: what has the
	// physical ID or, where the request has none, what has the request's token or the name that
	// the template gives. Only what has the request's token is the resource then.
	find func(cloudformation.Request, P) (got cloudformation.Resource, token string, ok bool)
	// create makes the resource, marked with the request's token, where find has found none.
	create func(context.Context, cloudformation.Request, P) (cloudformation.Resource, error)
	// update changes it in place; nil for a type of which every change is a replacement.
	update func(context.Context, cloudformation.Request, P) (cloudformation.Resource, error)
	// remove deletes what find has found; the request has its physical ID.
	remove func(context.Context, cloudformation.Request, P) error
	// restore, if not nil, takes the place of update for a resource that is there when the laptop
	// starts again.
	restore func(context.Context, cloudformation.Request, P) (cloudformation.Resource, error)
}

func (p resource[P]) Schema() cloudformation.Schema { return p.schema }

func (p resource[P]) decode(r cloudformation.Request) (P, error) {
	var properties P
	err := r.Decode(&properties)
	return properties, err
}

// made is what the service has of the resource. Between a creation and the record of its physical
// ID there can be a crash; from then on the token alone tells what is ours from what another stack
// has under the same name.
func (p resource[P]) made(r cloudformation.Request, properties P) (cloudformation.Resource, bool) {
	got, token, ok := p.find(r, properties)
	return got, ok && (r.PhysicalID != "" || token == r.Token)
}

func (p resource[P]) Create(ctx context.Context, r cloudformation.Request) (cloudformation.Resource, error) {
	properties, err := p.decode(r)
	if err != nil {
		return cloudformation.Resource{}, err
	}
	if got, ok := p.made(r, properties); ok {
		return got, nil
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
	got, ok := p.made(r, properties)
	if !ok {
		return nil
	}
	r.PhysicalID = got.PhysicalID
	return goneIsFine(p.remove(ctx, r, properties))
}

func (p resource[P]) Restore(ctx context.Context, r cloudformation.Request) (cloudformation.Resource, error) {
	properties, err := p.decode(r)
	if err != nil {
		return cloudformation.Resource{}, err
	}
	if _, ok := p.made(r, properties); !ok {
		return p.create(ctx, r, properties)
	}
	if p.restore != nil {
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

// which finds among all resources of a service the one with the physical ID or, where the request
// has none, with the token; id tells both of one.
func which[V any](r cloudformation.Request, all []V, id func(V) (physical, token string)) (V, bool) {
	for _, v := range all {
		if physical, token := id(v); physical == r.PhysicalID || r.PhysicalID == "" && token == r.Token {
			return v, true
		}
	}
	var none V
	return none, false
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

// tokenTag is the tag that marks what a creation made, in the services that keep no token.
const tokenTag = "ephor:token"

// withToken is tags with the mark of the request's creation.
func withToken(r cloudformation.Request, tags map[string]string) map[string]string {
	marked := map[string]string{}
	maps.Copy(marked, tags)
	marked[tokenTag] = r.Token
	return marked
}
