package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// database is the part of the package's db.json that is read.
type database struct {
	Schema struct {
		Resource       struct{ Entities []entity }
		TypeDefinition struct{ Entities []entity }
	}
}

// entity is a resource type, or an object within one.
type entity struct {
	ID                 string `json:"$id"`
	CloudFormationType string
	Attributes         map[string]any
	Properties         map[string]property
}

type property struct {
	Type              kind
	Required          bool
	CausesReplacement string // "", "yes" or "maybe"
}

// kind is a property's type: ref, array, map, union or a scalar's name.
type kind struct {
	Type      string
	Element   *kind
	Types     []kind
	Reference struct {
		Ref string `json:"$ref"`
	}
}

// object says of an object within a resource which names it may have.
type object struct{ required, optional []string }

// distil writes what db says of types, each list of names on a line of its own.
func distil(version string, db *database, types []string) ([]byte, error) {
	resources, objects := map[string]entity{}, map[string]entity{}
	for _, e := range db.Schema.Resource.Entities {
		resources[e.CloudFormationType] = e
	}
	for _, e := range db.Schema.TypeDefinition.Entities {
		objects[e.ID] = e
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\n \"source\": \"names and facts from npm's @aws-cdk/aws-service-spec %s (Apache-2.0), by internal/resourcespec; do not edit\",\n \"types\": {", version)
	for i, name := range types {
		r, ok := resources[name]
		if !ok {
			return nil, fmt.Errorf("%s %s has no resource type %s", pinned, version, name)
		}
		var required []string
		behaviour := map[string][]string{}
		for _, p := range slices.Sorted(maps.Keys(r.Properties)) {
			if r.Properties[p].Required {
				required = append(required, p)
			}
			behaviour[r.Properties[p].CausesReplacement] = append(behaviour[r.Properties[p].CausesReplacement], p)
		}
		fmt.Fprintf(&b, "%s\n  %q: {", comma(i), name)
		for i, part := range []struct {
			key   string
			names []string
		}{
			{"required", required},
			{"replace", behaviour["yes"]},
			{"mayReplace", behaviour["maybe"]},
			{"update", behaviour[""]},
			{"attributes", slices.Sorted(maps.Keys(r.Attributes))},
		} {
			fmt.Fprintf(&b, "%s\n   %q: %s", comma(i), part.key, list(part.names))
		}
		inner := map[string]object{}
		within(objects, r.Properties, "", nil, inner)
		b.WriteString(",\n   \"objects\": {")
		for i, path := range slices.Sorted(maps.Keys(inner)) {
			fmt.Fprintf(&b, "%s\n    %q: [%s, %s]", comma(i), path, list(inner[path].required), list(inner[path].optional))
		}
		b.WriteString("}}")
	}
	b.WriteString("}}\n")
	return b.Bytes(), nil
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

func list(names []string) string {
	if names == nil {
		names = []string{}
	}
	data, _ := json.Marshal(names) // strings always marshal
	return string(data)
}

// within collects the objects under properties, by their paths: Code, Rules/*, where the asterisk is an
// item of a list or a value of a map. What nests in itself is left out, and so is free of form.
func within(objects map[string]entity, properties map[string]property, at string, above []string, into map[string]object) {
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		descend(objects, properties[name].Type, strings.TrimPrefix(at+"/"+name, "/"), above, into)
	}
}

func descend(objects map[string]entity, k kind, at string, above []string, into map[string]object) {
	switch {
	case k.Element != nil:
		descend(objects, *k.Element, at+"/*", above, into)
	case k.Type == "ref" && !slices.Contains(above, k.Reference.Ref):
		inner := objects[k.Reference.Ref].Properties
		var o object
		for _, name := range slices.Sorted(maps.Keys(inner)) {
			if inner[name].Required {
				o.required = append(o.required, name)
			} else {
				o.optional = append(o.optional, name)
			}
		}
		into[at] = o
		within(objects, inner, at, append(slices.Clone(above), k.Reference.Ref), into)
	}
}
