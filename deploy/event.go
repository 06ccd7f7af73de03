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

// BucketMade says that the artifact bucket was not there and is now.
type BucketMade struct{ Bucket string }

// BucketDeleted says that the artifact bucket is gone, with all that it held.
type BucketDeleted struct{ Bucket string }

// RepositoryMade says that the repository of the application's images was not there and is now.
type RepositoryMade struct{ Repository string }

// RepositoryDeleted says that the repository is gone, with all images.
type RepositoryDeleted struct{ Repository string }

// ImageBuilding says that an engine has begun to build the image, which can take minutes.
type ImageBuilding struct {
	Engine   string
	Platform string
}

// ImageBuilt says that the image is there, and going to be pushed.
type ImageBuilt struct {
	Engine string
	Took   time.Duration
}

// ImagePushed says that the image is in the repository. Cached means that one of the same content was there
// before: then nothing was built.
type ImagePushed struct {
	URI    string // REPOSITORY@DIGEST
	Size   int64  // compressed
	Cached bool
	Took   time.Duration
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
	Replacement string `json:",omitempty"` // True, False, Conditional or, where it does not apply, ""
	// Properties are what differs of a resource that is modified, where CloudFormation says so.
	Properties []string `json:",omitempty"`
}

// Waiting says that a stack is being changed already, by an earlier run or by somebody else, and that this is waited for.
type Waiting struct {
	Stack  string
	Status string
}

// CodeUpdated says that a function has got its code in place, without its stack.
type CodeUpdated struct {
	Function  string
	Unchanged bool // it had that code already
	Took      time.Duration
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

func (BucketMade) event()        {}
func (RepositoryMade) event()    {}
func (RepositoryDeleted) event() {}
func (ImageBuilding) event()     {}
func (ImageBuilt) event()        {}
func (ImagePushed) event()       {}
func (BucketDeleted) event()     {}
func (Waiting) event()           {}
func (CodeUpdated) event()       {}
func (Built) event()             {}
func (Uploaded) event()          {}
func (StackStarted) event()      {}
func (ResourceChanged) event()   {}
func (StackDone) event()         {}
