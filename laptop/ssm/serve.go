package ssm

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

const maxRequest = 1 << 20

// ServeHTTP answers the JSON 1.1 protocol, the calls of the Parameter Store that are in actions:
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_Operations.html
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	awsproto.ServeJSON(w, r, s.serve)
}

// input is the union of all calls' members.
type input struct {
	Name             string
	Names            []string
	Path             string
	Recursive        bool
	MaxResults       *int
	NextToken        string
	Type             string
	Value            string
	Description      string
	Tier             string
	Overwrite        bool
	ParameterFilters []any
	Tags             []struct{ Key, Value string }
}

var actions = map[string]func(*Service, input) (any, error){
	"DeleteParameter": func(s *Service, in input) (any, error) { return struct{}{}, s.DeleteParameter(in.Name) },
	"GetParameter": func(s *Service, in input) (any, error) {
		p, err := s.GetParameter(in.Name)
		return map[string]any{"Parameter": s.told(p)}, err
	},
	"GetParameters": func(s *Service, in input) (any, error) {
		found, missing := []map[string]any{}, []string{}
		for _, name := range in.Names {
			if p, err := s.GetParameter(name); err == nil {
				found = append(found, s.told(p))
			} else {
				missing = append(missing, name)
			}
		}
		return map[string]any{"Parameters": found, "InvalidParameters": missing}, nil
	},
	"GetParametersByPath": func(s *Service, in input) (any, error) {
		limit := 10 // the most that AWS gives
		if in.MaxResults != nil {
			limit = *in.MaxResults
		}
		switch {
		case limit < 1 || limit > 10:
			return nil, fail("ValidationException", "MaxResults is %d: 1 to 10", limit)
		case !strings.HasPrefix(in.Path, "/"):
			return nil, fail("ValidationException", `The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash "/": %q`, in.Path)
		case len(in.ParameterFilters) > 0:
			return nil, fail("ValidationException", "ParameterFilters are not known on the laptop")
		}
		page, next := s.GetParametersByPath(in.Path, in.Recursive, limit, in.NextToken)
		found := []map[string]any{}
		for _, p := range page {
			found = append(found, s.told(p))
		}
		out := map[string]any{"Parameters": found}
		if next != "" {
			out["NextToken"] = next
		}
		return out, nil
	},
	"PutParameter": func(s *Service, in input) (any, error) {
		p := ParameterInput{Name: in.Name, Type: in.Type, Value: in.Value, Description: in.Description, Tier: in.Tier, Tags: map[string]string{}}
		for _, t := range in.Tags {
			p.Tags[t.Key] = t.Value
		}
		put, err := s.PutParameter(p, in.Overwrite)
		return map[string]any{"Version": put.Version, "Tier": put.Tier}, err
	},
}

func (s *Service) serve(r *http.Request) (any, error) {
	act, data, err := awsproto.Target(r, awsproto.Targets{Prefix: "AmazonSSM.", Service: "Systems Manager", Limit: maxRequest, TooLarge: "SerializationException"}, actions)
	if err != nil {
		return nil, err
	}
	var in input
	if err := json.Unmarshal(data, &in); err != nil {
		return nil, fail("SerializationException", "the request: %v", err)
	}
	return act(s, in)
}

// told is a parameter as the protocol writes it.
func (s *Service) told(p Parameter) map[string]any {
	return map[string]any{
		"Name": p.Name, "Type": p.Type, "Value": p.Value, "Version": p.Version, "DataType": "text",
		"LastModifiedDate": float64(p.Modified.UnixMilli()) / 1000,
		"ARN":              "arn:aws:ssm:" + s.config.Region + ":" + s.config.Account + ":parameter/" + strings.TrimPrefix(p.Name, "/"),
	}
}
