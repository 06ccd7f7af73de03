package lambda

import (
	"maps"
	"net/http"
	"slices"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

func (s *Service) serveListTags(w http.ResponseWriter, _ *http.Request, arn string) error {
	if err := unqualified(arn); err != nil {
		return err
	}
	f, err := s.Function(arn)
	if err != nil {
		return err
	}
	tags := f.Tags
	if tags == nil {
		tags = map[string]string{}
	}
	return awsproto.WriteJSON(w, http.StatusOK, map[string]any{"Tags": tags})
}

// unqualified refuses a version or alias: tags are the whole function's.
func unqualified(arn string) error {
	if _, qualifier := splitName(arn); qualifier != "" {
		return awsproto.Errorf("InvalidParameterValueException", "Tags on function aliases and versions are not supported. Please specify a function ARN.")
	}
	return nil
}

func (s *Service) serveTag(w http.ResponseWriter, r *http.Request, arn string) error {
	var in struct{ Tags map[string]string }
	if err := decode(w, r, &in); err != nil {
		return err
	}
	return s.editTags(w, r, arn, func(tags map[string]string) { maps.Copy(tags, in.Tags) })
}

func (s *Service) serveUntag(w http.ResponseWriter, r *http.Request, arn string) error {
	keys := r.URL.Query()["tagKeys"]
	return s.editTags(w, r, arn, func(tags map[string]string) {
		maps.DeleteFunc(tags, func(k, _ string) bool { return slices.Contains(keys, k) })
	})
}

// maxTags is the limit of https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html
const maxTags = 50

func (s *Service) editTags(w http.ResponseWriter, r *http.Request, arn string, edit func(map[string]string)) error {
	if err := unqualified(arn); err != nil {
		return err
	}
	_, err := s.change(r.Context(), arn, Code{}, sameLayers, func(cfg *Function) error {
		if cfg.Tags == nil {
			cfg.Tags = map[string]string{}
		}
		edit(cfg.Tags)
		if len(cfg.Tags) > maxTags {
			return awsproto.Errorf("InvalidParameterValueException", "%d tags: %d at most", len(cfg.Tags), maxTags)
		}
		return nil
	})
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
