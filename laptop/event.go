package laptop

import (
	"context"

	"github.com/ephor-io/ephor/laptop/apigateway"
	"github.com/ephor-io/ephor/laptop/cloudformation"
	"github.com/ephor-io/ephor/laptop/lambda"
)

// Event is something that happened on the laptop: one of the types of this file.
type Event interface{ event() }

// PortMoved says that a port was taken and the next free one is used.
type PortMoved struct {
	Name        string // page, store, endpoint or gateway
	Wanted, Got int
}

// FunctionLog is a line of a function's log that says more than that it was invoked.
type FunctionLog struct{ Function, Line string }

// GatewayError says why an API answered in its function's place.
type GatewayError struct {
	Method, Path string
	Status       int
	Reason       string
}

// Notice says what differs here from what one may expect, in a sentence.
type Notice struct{ Text string }

// StackDeleted says that a stack is gone.
type StackDeleted struct{ Stack string }

// Problem is an error that has no caller to return it to.
type Problem struct{ Err error }

func (PortMoved) event()    {}
func (FunctionLog) event()  {}
func (GatewayError) event() {}
func (Notice) event()       {}
func (StackDeleted) event() {}
func (Problem) event()      {}

func (l *Laptop) lambdaEvent(e lambda.Event) {
	switch e := e.(type) {
	case lambda.LogLine:
		if !e.Routine {
			l.config.Events(FunctionLog{Function: e.Function, Line: e.Line})
		}
	case lambda.Isolation:
		if text := e.Lacks(); text != "" {
			l.config.Events(Notice{Text: text})
		}
	case lambda.CodeMissing:
		l.config.Events(Problem{Err: e.Err})
	case lambda.FunctionURLChanged:
		if err := l.urlChanged(e); err != nil {
			l.config.Events(Problem{Err: err})
		}
	case lambda.EventProblem:
		l.config.Events(Problem{Err: e})
	case lambda.SetAside:
		l.config.Events(Problem{Err: e})
	}
}

// urlChanged serves a function URL as it is now. One that is deleted is closed without waiting for
// the requests under way: the event must not block, and their answers still come.
func (l *Laptop) urlChanged(e lambda.FunctionURLChanged) error {
	if !e.Deleted {
		return openURL(l.gateway, e.URL)
	}
	l.drains.run(func(ctx context.Context) {
		if err := l.gateway.CloseURL(ctx, e.URL.ID); err != nil {
			l.config.Events(Problem{Err: err})
		}
	})
	return nil
}

func (l *Laptop) stackEvent(e cloudformation.Event) {
	if e.Type == cloudformation.StackType && e.PhysicalID == e.StackID && e.Status == "DELETE_COMPLETE" {
		l.config.Events(StackDeleted{Stack: e.LogicalID})
	}
}

func (l *Laptop) gatewayEvent(e apigateway.Event) {
	switch e := e.(type) {
	case apigateway.PortMoved:
		l.config.Events(PortMoved{Name: "gateway", Wanted: e.Wanted, Got: e.Got})
	case apigateway.Served:
		if e.IntegrationError != "" {
			l.config.Events(GatewayError{Method: e.Method, Path: e.Path, Status: e.Status, Reason: e.IntegrationError})
		}
	}
}
