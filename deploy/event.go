package deploy

import "time"

// Event is something that a deployment did: one of the types of this file.
type Event interface{ event() }

// Built says that the executable is there.
type Built struct {
	Path    string
	Size    int64
	Took    time.Duration
	GOOS    string
	GOARCH  string
	Package string
}

// Uploaded says that the deployment package is in the artifact bucket. Cached means that the
// same content was there before.
type Uploaded struct {
	Bucket, Key string
	Size        int64
	Cached      bool
	Took        time.Duration
}

// StackStarted says that a stack is going to be changed.
type StackStarted struct {
	Stack   string
	Action  string // create, update or delete
	Changes []Change
}

// Change is one line of a change set.
type Change struct {
	Action      string // Add, Modify, Remove
	LogicalID   string
	Type        string
	Replacement string // True, False, Conditional or, where it does not apply, ""
}

// ResourceChanged is one event of a stack.
type ResourceChanged struct {
	Stack     string
	LogicalID string
	Type      string
	Status    string
	Reason    string
	// Took is the time since the resource's work began; 0 while it goes on.
	Took time.Duration
}

// StackDone says that a stack is what its template says. Unchanged means that it was so before.
type StackDone struct {
	Stack     string
	Unchanged bool
	Took      time.Duration
}

func (Built) event()           {}
func (Uploaded) event()        {}
func (StackStarted) event()    {}
func (ResourceChanged) event() {}
func (StackDone) event()       {}
