package ephor

import (
	"context"
	"encoding/json"
)

type eventKey struct{}

// Event is the event that an http.Handler's request was made of, with all that a request has no
// place for, such as its requestContext: decode it into aws-lambda-go's type for what calls the
// function. It is nil outside of a function's http.Handler.
//
//	var e events.APIGatewayV2HTTPRequest
//	err := json.Unmarshal(ephor.Event(r.Context()), &e)
func Event(ctx context.Context) json.RawMessage {
	event, _ := ctx.Value(eventKey{}).(json.RawMessage)
	return event
}

// WithEvent is a context whose Event is the one given, for tests of handlers.
func WithEvent(ctx context.Context, event json.RawMessage) context.Context {
	return context.WithValue(ctx, eventKey{}, event)
}
