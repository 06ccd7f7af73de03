package laptop

import (
	"strings"

	"github.com/ephor-io/ephor/laptop/apigateway"
	"github.com/ephor-io/ephor/laptop/lambda"
)

// Event is something that happened on the laptop: one of the types of this file, or an event of
// the services lambda and cloudformation.
type Event any

// PortMoved says that a port was taken and the next free one is used.
type PortMoved struct {
	Name        string // page, store, endpoint or gateway
	Wanted, Got int
}

// FunctionLog is a line of a function's log that says more than that it was invoked.
type FunctionLog struct{ Function, Line string }

// Problem is an error that has no caller to return it to.
type Problem struct{ Err error }

func (l *Laptop) lambdaEvent(e lambda.Event) {
	line, ok := e.(lambda.LogLine)
	if !ok {
		l.config.Events(e)
		return
	}
	for _, usual := range []string{"START RequestId: ", "END RequestId: ", "REPORT RequestId: "} {
		if strings.HasPrefix(line.Line, usual) {
			return
		}
	}
	l.config.Events(FunctionLog{Function: line.Function, Line: line.Line})
}

func (l *Laptop) gatewayEvent(e apigateway.Event) {
	if moved, ok := e.(apigateway.PortMoved); ok {
		l.config.Events(PortMoved{Name: "gateway", Wanted: moved.Wanted, Got: moved.Got})
	}
}
