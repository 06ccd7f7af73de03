package cloudformation

import "time"

// Event is one event of a stack, as DescribeStackEvents tells it.
type Event struct {
	ID         string
	StackName  string
	StackID    string
	LogicalID  string // the stack's own name for the stack itself
	PhysicalID string
	Type       string // AWS::CloudFormation::Stack for the stack itself
	Status     string // such as CREATE_COMPLETE
	Reason     string
	// Properties is JSON: dynamic references unresolved, NoEcho parameters as ****.
	Properties string
	Token      string // the ClientRequestToken of the call that caused it
	Time       time.Time
}

// StackType is the type of a stack's own events.
const StackType = "AWS::CloudFormation::Stack"

// maxEvents bounds what is kept for one stack; the oldest go first.
const maxEvents = 10_000
