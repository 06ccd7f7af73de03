package monitor

import (
	"context"

	"github.com/ephor-io/ephor"
)

// StoreHooks are to a store that is there already what Hooks are to a monitoring stack: each function learns where it
// is. There is no stack beside the application's, so nothing ties the store to it.
func StoreHooks(g ephor.Grafana, s ephor.Store) ephor.Hooks {
	return ephor.Hooks{
		Stacks: func(context.Context, *ephor.Deployment) ([]ephor.Stack, error) {
			_, err := StoreDashboards(g) // what is wrong with them is told before anything is made
			return nil, err
		},
		Function: func(_ context.Context, _ *ephor.Deployment, f ephor.FunctionTemplate) error {
			setenv(f, ownStore(s))
			return nil
		},
		Service: throttlesAlarms(g.Alerts, g.Contacts),
	}
}

// ownStore is what functions are told of s. The token is a dynamic reference, which CloudFormation puts the
// secret's value in place of when it makes or changes a function.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-secretsmanager.html
func ownStore(s ephor.Store) map[string]any {
	env := map[string]any{"EPHOR_STORE_URL": s.URL}
	for name, value := range map[string]string{
		"EPHOR_STORE_DATABASE": s.Database, "EPHOR_STORE_ORG": s.Organization, "EPHOR_STORE_BUCKET": s.Bucket, "EPHOR_STORE_CA": s.CA,
	} {
		if value != "" {
			env[name] = value
		}
	}
	if s.Token.ID == "" {
		return env
	}
	token := "{{resolve:secretsmanager:" + s.Token.ID + ":SecretString"
	if s.Token.Key != "" {
		token += ":" + s.Token.Key
	}
	token += "}}"
	if s.User != "" {
		token = s.User + ":" + token
	}
	env["EPHOR_STORE_TOKEN"] = token
	return env
}
