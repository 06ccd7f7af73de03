package apigateway

import (
	"net/url"
	"slices"
)

// read1 answers GET below /restapis; nothing means that there is no such call.
func (s *Service) read1(part []string, query url.Values) (any, error) {
	if len(part) == 0 {
		return items(s.ListRestAPIs(), nil)
	}
	id := part[0]
	switch len(part) {
	case 1:
		return one(s.GetRestAPI(id))
	case 2:
		switch part[1] {
		case "resources":
			all, err := s.ListResources(id)
			for i := range all {
				all[i] = shown(all[i], embeds(query))
			}
			return items(all, err)
		case "stages":
			all, err := s.ListRestStages(id)
			if of := query.Get("deploymentId"); of != "" {
				all = slices.DeleteFunc(all, func(st RestStage) bool { return st.DeploymentID != of })
			}
			return items(all, err)
		case "deployments":
			all, err := s.ListRestDeployments(id)
			for i := range all {
				all[i] = all[i].told()
			}
			return items(all, err)
		case "authorizers":
			return items(s.ListRestAuthorizers(id))
		}
	case 3:
		switch part[1] {
		case "resources":
			r, err := s.GetResource(id, part[2])
			return one(shown(r, embeds(query)), err)
		case "stages":
			return one(s.GetRestStage(id, part[2]))
		case "deployments":
			d, err := s.GetRestDeployment(id, part[2])
			return one(d.told(), err)
		case "authorizers":
			return one(s.GetRestAuthorizer(id, part[2]))
		}
	case 5, 6:
		if part[1] != "resources" || part[3] != "methods" || len(part) == 6 && part[5] != "integration" {
			return nil, nil
		}
		m, err := s.GetMethod(id, part[2], part[4])
		if len(part) == 6 {
			return one(m.MethodIntegration, err)
		}
		return one(m, err)
	}
	return nil, nil
}

func embeds(query url.Values) bool { return slices.Contains(query["embed"], "methods") }

// shown is a resource as it is told: its methods by name, or in full if they are asked for.
func shown(r Resource, full bool) Resource {
	if full || r.Methods == nil {
		return r
	}
	names := make(map[string]Method, len(r.Methods))
	for name := range r.Methods {
		names[name] = Method{}
	}
	r.Methods = names
	return r
}

// items is a list as the API of REST APIs has it.
func items[V any](v []V, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return struct {
		Items []V `json:"item"`
	}{v}, nil
}
