package cloudformation

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
)

// Provider makes the resources of one type. The service calls it from several goroutines at
// once, never twice at a time for one resource. The context ends when the stack's operation is
// given up: a provider that waits must return then.
//
// What a provider returns as an error's text is shown in the stack's events; secrets that came
// out of dynamic references are struck out of it.
type Provider interface {
	// Create makes the resource. On failure it may return a Resource with a PhysicalID beside
	// the error: then something was made, and Delete follows. Create may be called again with
	// the same Token and must then find what it made instead of making another.
	Create(context.Context, Request) (Resource, error)
	// Update changes the resource in place from OldProperties to Properties. It is never asked
	// to change what Schema.CreateOnly names. It runs backwards too, to undo a failed update.
	Update(context.Context, Request) (Resource, error)
	// Delete removes the resource; one that is gone already is no error. An empty PhysicalID
	// means that the laptop died in the middle of Create: whatever that may have made under
	// this Token goes.
	Delete(context.Context, Request) error
	// Restore is called for every resource when the laptop starts again. Afterwards the resource
	// is there and as Properties say, which may differ from OldProperties: they are resolved anew
	// with the addresses of this start. A resource that is missing is made again.
	Restore(context.Context, Request) (Resource, error)
	// Schema says what the type looks like. It is asked often and always answers the same.
	Schema() Schema
}

// Request is what a provider is told about one resource.
type Request struct {
	StackName string
	StackID   string // its ARN
	LogicalID string
	Type      string // such as AWS::S3::Bucket
	Region    string
	Account   string

	// Token stands for one physical resource: it is the same in every call about it, restarts
	// of the laptop included, and another one after a replacement.
	Token string
	// PhysicalID is what Create told; empty in Create.
	PhysicalID string
	// Properties are resolved, dynamic references included, and belong to the provider: JSON
	// values with numbers as json.Number. Decode reads them into a struct.
	Properties map[string]any
	// OldProperties are those of before, in Update and Restore. Their dynamic references stand
	// there unresolved: nothing keeps secrets.
	OldProperties map[string]any
	// Attributes are those last told, in Update, Delete and Restore.
	Attributes map[string]any
	// Tags are the stack's.
	Tags map[string]string

	// signals says that a host on which this wait condition depends signals anew.
	signals bool
	// policy says that the resource has a CreationPolicy.
	policy bool
}

// PhysicalName is PhysicalName for this resource.
func (r Request) PhysicalName(limit int) string {
	return PhysicalName(r.StackName, r.LogicalID, r.Token, limit)
}

// Resource is what a provider tells about a resource. All of it is kept on disk and shown, so
// nothing that came out of a dynamic reference may stand in it.
type Resource struct {
	// PhysicalID names the resource. It is what Ref gives unless Ref is set.
	PhysicalID string
	// Ref is what the function Ref gives, where that is not the physical ID.
	Ref string
	// Attributes are what Fn::GetAtt gives: JSON values under the names in Schema.Attributes. A
	// nested one is named with dots, as in "Endpoint.Port".
	Attributes map[string]any
	// Signals is for Restore: the resource is a host that boots again and will signal its wait
	// conditions anew, so those that depend on it wait for that.
	Signals bool
}

// Schema says what a resource type looks like, as its page in AWS's reference does.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
type Schema struct {
	// Properties are all that the provider acts on. Any other is refused, never ignored.
	Properties []string
	// Required are those without which there is no resource.
	Required []string
	// CreateOnly are those whose page says "Update requires: Replacement".
	CreateOnly []string
	// Attributes are what Fn::GetAtt can read.
	Attributes []string
}

// PhysicalName is a name in AWS's form for a resource that was given none,
// STACK-LOGICAL-XXXXXXXXXXXX, cut to at most limit characters (0: no limit) at the expense of the
// stack and then of the logical ID. The same token gives the same name.
func PhysicalName(stack, logical, token string, limit int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	sum := sha256.Sum256([]byte(token))
	tail := make([]byte, 12)
	for i := range tail {
		tail[i] = alphabet[int(sum[i])%len(alphabet)]
	}
	if over := len(stack) + len(logical) + len(tail) + 2 - limit; limit > 0 && over > 0 {
		cut := min(over, len(stack))
		stack, over = stack[:len(stack)-cut], over-cut
		logical = logical[:max(len(logical)-over, 0)]
	}
	name := strings.Trim(fmt.Sprintf("%s-%s-%s", stack, logical, tail), "-")
	if limit > 0 && len(name) > limit {
		name = name[len(name)-limit:]
	}
	return name
}
