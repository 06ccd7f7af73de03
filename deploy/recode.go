package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/internal/gotool"
)

// Deployed is an application as a Workflow has taken it to its stacks. It is plain data, which goes through
// JSON: whoever has it can give the functions new code without the program whose hooks have made it.
type Deployed struct {
	// Stack is the application's.
	Stack ephor.Stack `json:"stack"`
	// Key is the deployment package's in the artifact bucket.
	Key string `json:"key"`
	// Beside are the files in the package beside the executable.
	Beside map[string][]byte `json:"beside,omitempty"`
}

// Deployed is the application as Marshal made it.
func (w *Workflow) Deployed() Deployed {
	return Deployed{Stack: w.stack, Key: w.pack.Key, Beside: w.pack.beside()}
}

// Recode converges the application's stack with the executable that b has built and nothing else changed, and
// returns what is deployed then. No hook is called. It converges by a change set, as Converge does. ok is
// false, and nothing is done, where the stack is not there.
func (d *Deployer) Recode(ctx context.Context, is Deployed, b gotool.Config) (now Deployed, ok bool, err error) {
	stack, err := d.describe(ctx, is.Stack.Name)
	if err != nil || stack == nil || onlyDeletable(stack.StackStatus) {
		return is, false, err
	}
	pack, err := Pack(is.Stack.Name, b.Output, b.GOARCH, ephor.Archive{Files: is.Beside})
	if err != nil || pack.Key == is.Key {
		return is, err == nil, err
	}
	if now, err = is.with(pack); err != nil {
		return is, false, err
	}
	if _, err := d.Upload(ctx, pack); err != nil {
		return is, false, err
	}
	if _, err := d.Converge(ctx, now.Stack); err != nil {
		return is, false, err
	}
	return now, true, nil
}

// with is the application with another package. What hooks have added with other code keeps that.
func (is Deployed) with(p *Package) (now Deployed, err error) {
	text, err := json.Marshal(is)
	if err == nil {
		err = json.Unmarshal(text, &now)
	}
	if err != nil {
		return now, fmt.Errorf("copying the template of stack %s: %w", is.Stack.Name, err)
	}
	for _, r := range now.Stack.Template.Resources {
		if code, _ := r.Properties["Code"].(map[string]any); code["S3Key"] == is.Key {
			code["S3Key"] = p.Key
		}
		if value, ok := r.Properties["Value"].(string); ok && r.Metadata[cfn.NamesCode] == true {
			r.Properties["Value"] = strings.ReplaceAll(value, is.Key, p.Key)
		}
	}
	now.Key = p.Key
	return now, nil
}
