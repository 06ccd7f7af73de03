package apigateway

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// parseProxy reads a function's answer in payload format 1.0, which has to be an object with a
// statusCode:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-output-format
func parseProxy(payload []byte) (response, error) {
	var raw struct {
		StatusCode        json.RawMessage              `json:"statusCode"`
		Headers           map[string]json.RawMessage   `json:"headers"`
		MultiValueHeaders map[string][]json.RawMessage `json:"multiValueHeaders"`
		Body              *string                      `json:"body"`
		IsBase64Encoded   bool                         `json:"isBase64Encoded"`
	}
	var wrongType *json.UnmarshalTypeError
	if err := json.Unmarshal(payload, &raw); errors.As(err, &wrongType) {
		return response{}, fmt.Errorf("the wrong type for field %q", wrongType.Field)
	} else if err != nil {
		return response{}, fmt.Errorf("it is no JSON: %w", err)
	}
	if raw.StatusCode == nil {
		return response{}, errors.New("there is no statusCode")
	}
	out, err := structured(raw.StatusCode, nil, nil, raw.Body, raw.IsBase64Encoded)
	if err != nil {
		return response{}, err
	}
	out.headers, err = mergeHeaders(raw.MultiValueHeaders, raw.Headers)
	return out, err
}

// mergeHeaders joins both kinds of headers; what stands in both counts once.
func mergeHeaders(multi map[string][]json.RawMessage, single map[string]json.RawMessage) (out [][2]string, err error) {
	add := func(name string, value json.RawMessage) error {
		text, err := scalar(value)
		if err != nil {
			return fmt.Errorf("header %q: %w", name, err)
		}
		if !slices.ContainsFunc(out, func(h [2]string) bool { return strings.EqualFold(h[0], name) && h[1] == text }) {
			out = append(out, [2]string{name, text})
		}
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(multi)) {
		for _, value := range multi[name] {
			if err := add(name, value); err != nil {
				return nil, err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(single)) {
		if err := add(name, single[name]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// binaryTypes are the media types that a REST API treats as binary.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings.html
type binaryTypes []string

// has says that a media type, as in Content-Type or first in Accept, is one of them. A request
// without a Content-Type is JSON.
func (b binaryTypes) has(header string) bool {
	kind, _, _ := strings.Cut(header, ",")
	kind, _, _ = strings.Cut(kind, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	if kind == "" {
		kind = "application/json"
	}
	return slices.ContainsFunc(b, func(t string) bool {
		t = strings.ToLower(t)
		prefix, wild := strings.CutSuffix(t, "*")
		return t == "*/*" || t == kind || wild && strings.HasPrefix(kind, prefix)
	})
}

// encodeAgain undoes the decoding of a body that its client is not given as binary: a REST API then
// hands out the base64 text.
func (out *response) encodeAgain() {
	out.body = base64.StdEncoding.AppendEncode(nil, out.body)
	out.decoded = false
}
