package monitor

import (
	"context"
	"strconv"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
)

// Hooks put the monitoring stack beside an application's: they are to a deployment what anybody's hooks
// are. The stack comes before the application's, and each function learns where its store is. parameters are values of the template's parameters.
func Hooks(g ephor.Grafana, parameters map[string]string) ephor.Hooks {
	return ephor.Hooks{
		Stacks: func(context.Context, *ephor.Deployment) ([]ephor.Stack, error) {
			if err := Check(g); err != nil {
				return nil, err
			}
			return []ephor.Stack{{Name: g.Stack, Template: Template(g), Parameters: parameters}}, nil
		},
		Function: func(_ context.Context, _ *ephor.Deployment, f ephor.FunctionTemplate) error {
			for name, value := range storeEnvironment(g.Stack, f.Function) {
				f.Setenv(name, value)
			}
			return nil
		},
	}
}

// storeEnvironment tells a function's publisher where its store is. The address comes from the
// monitoring stack's exports, which ties the stacks together: while it is imported, the
// monitoring stack cannot be deleted. The secret is a dynamic reference, because exports are
// plain text.
func storeEnvironment(stack string, f *ephor.Function) map[string]any {
	env := map[string]any{
		"EPHOR_STORE_URL":      cfn.ImportValue(stack + "-StoreURL"),
		"EPHOR_STORE_DATABASE": cfn.ImportValue(stack + "-StoreDatabase"),
		"EPHOR_STORE_CA":       cfn.ImportValue(stack + "-StoreCA"),
		"EPHOR_STORE_TOKEN": cfn.Join("", "writer:{{resolve:secretsmanager:",
			cfn.ImportValue(stack+"-StoreSecret"), ":SecretString:password}}"),
	}
	if f.FlushEvery > 1 {
		env["EPHOR_FLUSH_EVERY"] = strconv.Itoa(f.FlushEvery)
	}
	return env
}
