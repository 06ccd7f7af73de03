package monitor

import (
	"context"
	"strconv"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
)

// Hooks put the monitoring stack beside an application's: they are to a deployment what anybody's hooks
// are. The stack comes before the application's, and each function learns where its store is. The stack waits for its host
// whenever that has to boot for what values say.
func Hooks(g ephor.Grafana, values Values) ephor.Hooks {
	return ephor.Hooks{
		Stacks: func(context.Context, *ephor.Deployment) ([]ephor.Stack, error) {
			if err := Check(g); err != nil {
				return nil, err
			}
			return []ephor.Stack{{Name: g.Stack, Template: template(g, values), Parameters: values.Given}}, nil
		},
		Function: func(_ context.Context, _ *ephor.Deployment, f ephor.FunctionTemplate) error {
			setenv(f, storeEnvironment(g.Stack))
			return nil
		},
		Service: inOrder(throttlesAlarms(g.Alerts, g.Contacts), deployMark(g.Stack)),
	}
}

// setenv tells a function's publisher what env says, and how often it publishes.
func setenv(f ephor.FunctionTemplate, env map[string]any) {
	for name, value := range env {
		f.Setenv(name, value)
	}
	if n := f.Function.FlushEvery; n > 1 {
		f.Setenv("EPHOR_FLUSH_EVERY", strconv.Itoa(n))
	}
}

// storeEnvironment tells a function's publisher where its store is. The address comes from the
// monitoring stack's exports, which ties the stacks together: while it is imported, the
// monitoring stack cannot be deleted. The secret is a dynamic reference, because exports are
// plain text.
func storeEnvironment(stack string) map[string]any {
	return map[string]any{
		"EPHOR_STORE_URL":      cfn.ImportValue(stack + "-StoreURL"),
		"EPHOR_STORE_DATABASE": cfn.ImportValue(stack + "-StoreDatabase"),
		"EPHOR_STORE_CA":       cfn.ImportValue(stack + "-StoreCA"),
		"EPHOR_STORE_TOKEN": cfn.Join("", "writer:{{resolve:secretsmanager:",
			cfn.ImportValue(stack+"-StoreSecret"), ":SecretString:password}}"),
	}
}
