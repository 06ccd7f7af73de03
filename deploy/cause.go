package deploy

import (
	"cmp"
	"context"
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// physical is a resource that a stack has or had.
type physical struct{ logicalID, kind, id string }

// lookInto finds out about a stack that has failed what Hint cannot do without: it asks what the stack consists of.
func (d *Deployer) lookInto(ctx context.Context, t *tail, e *StackError) error {
	waited := strings.Contains(e.Reason, timedOut)
	if t.failed == nil || !waited && !e.taken() {
		return nil
	}
	now, err := d.resources(ctx, t.stack)
	if err != nil {
		return err
	}
	all := slices.Clone(t.seen)
	for _, r := range now {
		all = append(all, physical{aws.ToString(r.LogicalResourceId), aws.ToString(r.ResourceType), aws.ToString(r.PhysicalResourceId)})
	}
	slices.SortStableFunc(all, func(a, b physical) int { return cmp.Compare(a.logicalID, b.logicalID) })
	for _, r := range all {
		switch {
		case waited && e.Host == "" && r.kind == "AWS::EC2::Instance":
			e.Host = r.id
		case !waited && e.Holder == "" && r.logicalID != e.Resource && r.kind == e.Type && hasNameOf(r.id, t.failed):
			e.Holder = r.logicalID
		}
	}
	return nil
}

// hasNameOf says whether a resource has the name that another one of its type was to have: one of the properties
// that the event of its failure tells.
func hasNameOf(id string, failed *types.StackEvent) bool {
	var properties map[string]any
	if json.Unmarshal([]byte(aws.ToString(failed.ResourceProperties)), &properties) != nil {
		return false // an event does not have to tell them
	}
	name := nameIn(id)
	for _, value := range properties {
		if value == name && name != "" {
			return true
		}
	}
	return false
}

// nameIn is the name that a physical ID has in it: it is the name itself, an ARN that ends in it, or a queue's URL. ""
// says that there is none, or none that stands for itself, as an alias's is one of its function's.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resources-section-structure.html
func nameIn(id string) string {
	if strings.HasPrefix(id, "https://") || strings.HasPrefix(id, "http://") {
		return path.Base(id)
	}
	if !strings.HasPrefix(id, "arn:") {
		return id
	}
	parts := strings.SplitN(id, ":", 6)
	if len(parts) < 6 {
		return ""
	}
	kind, name, typed := strings.Cut(strings.Replace(parts[5], "/", ":", 1), ":")
	switch {
	case !typed:
		return kind
	case strings.ContainsAny(name, ":/"):
		return ""
	}
	return name
}
