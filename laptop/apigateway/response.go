package apigateway

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// response is what a function's payload means.
type response struct {
	status  int
	headers [][2]string
	cookies []string
	body    []byte
	// contentType is what the response has if no header says another.
	contentType string
	decoded     bool // body was base64
}

// parseResponse reads a function's answer in payload format 2.0, as the service was seen to:
// an object with a statusCode is a response; everything else, even what is not JSON, is the body
// of a 200 of type application/json, and a JSON string its content without the quotes.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
func parseResponse(payload []byte) (response, error) {
	trimmed := bytes.TrimLeft(payload, " \t\r\n")
	if len(trimmed) > 0 && trimmed[0] == '{' {
		var raw struct {
			StatusCode      json.RawMessage            `json:"statusCode"`
			Headers         map[string]json.RawMessage `json:"headers"`
			Cookies         []string                   `json:"cookies"`
			Body            *string                    `json:"body"`
			IsBase64Encoded bool                       `json:"isBase64Encoded"`
		}
		err := json.Unmarshal(payload, &raw)
		var wrongType *json.UnmarshalTypeError
		// A type error leaves the other members filled, so that statusCode is known.
		if raw.StatusCode != nil && (err == nil || errors.As(err, &wrongType)) {
			if err != nil {
				return response{}, fmt.Errorf("the wrong type for field %q", wrongType.Field)
			}
			return structured(raw.StatusCode, raw.Headers, raw.Cookies, raw.Body, raw.IsBase64Encoded)
		}
	}
	inferred := response{status: 200, body: payload, contentType: "application/json"}
	if len(trimmed) > 0 && trimmed[0] == '"' {
		var s string
		if json.Unmarshal(trimmed, &s) == nil {
			inferred.body = []byte(s)
		}
	}
	return inferred, nil
}

func structured(status json.RawMessage, headers map[string]json.RawMessage, cookies []string, body *string, encoded bool) (response, error) {
	out := response{cookies: cookies, contentType: "text/plain; charset=utf-8"}
	code, err := strconv.Atoi(strings.Trim(string(status), `"`))
	if err != nil || code < 200 || code > 999 {
		return response{}, fmt.Errorf("statusCode is %s", status)
	}
	out.status = code
	for name, value := range headers {
		text, err := scalar(value)
		if err != nil {
			return response{}, fmt.Errorf("header %q: %w", name, err)
		}
		out.headers = append(out.headers, [2]string{name, text})
	}
	if body == nil {
		return out, nil
	}
	if !encoded {
		out.body = []byte(*body)
		return out, nil
	}
	if out.body, err = base64.StdEncoding.DecodeString(*body); err != nil {
		return response{}, fmt.Errorf("isBase64Encoded is true, but body: %w", err)
	}
	out.decoded = true
	return out, nil
}

// scalar is a string, a number or a boolean as a header's value; null is an empty one.
func scalar(v json.RawMessage) (string, error) {
	switch v[0] {
	case '"':
		var s string
		err := json.Unmarshal(v, &s)
		return s, err
	case '{', '[':
		return "", errors.New("the value is neither a string, a number nor a boolean")
	case 'n':
		return "", nil
	}
	return string(v), nil
}
