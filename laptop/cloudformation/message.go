package cloudformation

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/ephor-io/ephor/cfn/parse"
	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// wordsf is an error in CloudFormation's words.
func wordsf(format string, args ...any) error {
	return &parse.Error{Message: fmt.Sprintf(format, args...)}
}

// message is err as CloudFormation tells it: its own words first, then the place in the template,
// which CloudFormation does not tell.
func message(err error) string {
	var p *parse.Error
	if !errors.As(err, &p) {
		return err.Error()
	}
	if place := p.Place(); place != "" {
		return p.Message + " (" + place + ")"
	}
	return p.Message
}

// invalid is a ValidationError.
func invalid(format string, args ...any) error {
	return awsproto.Errorf("ValidationError", format, args...)
}

// answer is err as the API answers it. What is wrong with a template is the caller's error.
func answer(err error) error {
	var e *awsproto.Error
	var p *parse.Error
	switch {
	case errors.As(err, &e):
		return err
	case errors.As(err, &p):
		return invalid("%s", message(err))
	}
	return &awsproto.Error{Code: "InternalFailure", Message: err.Error(), Status: http.StatusInternalServerError}
}
