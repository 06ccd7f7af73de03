package cloudformation

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// publishedText is what AWS publishes about the resource types that the laptop has, distilled. To add a
// type, name it in laptop/providers.go and run go generate ./laptop/cloudformation.
//
//go:generate go run ../../internal/resourcespec -o published.json ../providers.go waits.go
//go:embed published.json
var publishedText string

// Published is what AWS's schema of a resource type says: all its properties and attributes, those that
// the laptop does not have included.
type Published struct {
	// Required are the properties without which AWS makes no resource.
	Required []string
	// Replace, MayReplace and Update are all properties, by what a change of them does: it makes a new
	// physical resource, may make one, or changes the one that there is.
	Replace, MayReplace, Update []string
	// Attributes are what Fn::GetAtt can read.
	Attributes []string
	// Objects are the required and the optional names of the objects within the properties, by their
	// path: Target/RetryPolicy, or Rules/*/Filter, where the asterisk is an item of a list or a value
	// of a map. What is not here is free of form.
	Objects map[string][2][]string
}

// PublishedTypes are the schemas that AWS publishes, by type.
func PublishedTypes() (map[string]Published, error) {
	var file struct{ Types map[string]Published }
	if err := json.Unmarshal([]byte(publishedText), &file); err != nil {
		return nil, fmt.Errorf("published.json: %w", err)
	}
	return file.Types, nil
}

// Has says whether the type has a property.
func (p Published) Has(name string) bool {
	return slices.Contains(p.Update, name) || slices.Contains(p.Replace, name) || slices.Contains(p.MayReplace, name)
}

// wrong is what stands against properties in AWS's words, each as "#/PATH: …".
func (p Published) wrong(properties map[string]any) []string {
	var all []string
	names := slices.Concat(p.Replace, p.MayReplace, p.Update)
	p.object("#", p.Required, names, properties, &all)
	for _, key := range sortedKeys(properties) {
		p.within("#/"+key, key, properties[key], &all)
	}
	return all
}

// object checks the names of one object, which may be those in required and optional.
func (p Published) object(at string, required, optional []string, v map[string]any, all *[]string) {
	for _, key := range sortedKeys(v) {
		if !slices.Contains(optional, key) && !slices.Contains(required, key) {
			*all = append(*all, fmt.Sprintf("%s: extraneous key [%s] is not permitted", at, key))
		}
	}
	for _, key := range required {
		if _, ok := v[key]; !ok {
			*all = append(*all, fmt.Sprintf("%s: required key [%s] not found", at, key))
		}
	}
}

// within checks the objects in the value v, which stands at the place at and at path in Objects.
func (p Published) within(at, path string, v any, all *[]string) {
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			p.within(fmt.Sprintf("%s/%d", at, i), path+"/*", item, all)
		}
	case map[string]any:
		if names, ok := p.Objects[path]; ok {
			p.object(at, names[0], names[1], v, all)
			for _, key := range sortedKeys(v) {
				p.within(at+"/"+key, path+"/"+key, v[key], all)
			}
			return
		}
		if p.under(path + "/*") {
			for _, key := range sortedKeys(v) {
				p.within(at+"/"+key, path+"/*", v[key], all)
			}
		}
	}
}

// under says whether something is known at path or below it.
func (p Published) under(path string) bool {
	for key := range p.Objects {
		if key == path || strings.HasPrefix(key, path+"/") {
			return true
		}
	}
	return false
}

// What a change of a property does to the physical resource.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceTargetDefinition.html
const (
	recreatesNever         = "Never"
	recreatesConditionally = "Conditionally"
	recreatesAlways        = "Always"
)

// recreates says what a change of a property does: what AWS publishes, and Always where the provider
// cannot change in place what AWS can.
func (s *Service) recreates(resourceType, property string) string {
	p := s.published[resourceType]
	switch {
	case slices.Contains(p.Replace, property):
		return recreatesAlways
	case slices.Contains(p.MayReplace, property):
		return recreatesConditionally
	case slices.Contains(s.providers[resourceType].Schema().CreateOnly, property):
		return recreatesAlways
	}
	return recreatesNever
}
