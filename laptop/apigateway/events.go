package apigateway

import "time"

// Event is something that happened: Listening, PortMoved or Served.
type Event interface{ event() }

// Listening says that an API answers at an address.
type Listening struct{ APIID, Name, Endpoint string }

// PortMoved says that an API could not have the port it was meant to have.
type PortMoved struct {
	APIID       string
	Wanted, Got int
}

// Served is one request that was answered: an HTTP API's access log.
type Served struct {
	APIID, Stage, RouteKey string // Stage and RouteKey are "" where none matched
	RequestID              string
	Method, Path           string
	SourceIP               string
	Status                 int
	Bytes                  int // of the response's body
	Start                  time.Time
	Latency                time.Duration
	// IntegrationError says why the gateway answered in the function's place; "" if it did not.
	IntegrationError string
}

func (Listening) event() {}
func (PortMoved) event() {}
func (Served) event()    {}
