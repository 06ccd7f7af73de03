package parse

import "fmt"

// Error is what is wrong with a template, and where.
type Error struct {
	// Path is such as Resources.Api.Properties.Name; empty for the template as a whole.
	Path string
	// Position is zero where it is not known: in templates that are no text, and for what is
	// missing altogether.
	Position Position
	// Message is CloudFormation's own where CloudFormation has one.
	Message string
}

// Error is the place, as far as it is known, and the message.
func (e *Error) Error() string {
	if place := e.Place(); place != "" {
		return place + ": " + e.Message
	}
	return e.Message
}

// Place is the path, line and column, as far as they are known.
func (e *Error) Place() string {
	if e.Position == (Position{}) {
		return e.Path
	}
	at := fmt.Sprintf("line %d, column %d", e.Position.Line, e.Position.Column)
	if e.Path == "" {
		return at
	}
	return e.Path + ", " + at
}

// Errorf is an error about the part of t at path.
func (t *Template) Errorf(path, format string, args ...any) *Error {
	pos, _ := t.Position(path)
	return &Error{Path: path, Position: pos, Message: fmt.Sprintf(format, args...)}
}
