package monitor

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
)

// TestStoreHooksTellFunctions all of a store that the publisher asks its environment for, and nothing that there is not.
func TestStoreHooksTellFunctions(t *testing.T) {
	t.Parallel()
	f := func(s ephor.Store, want map[string]any) {
		t.Helper()
		template := ephor.FunctionTemplate{Function: &ephor.Function{Name: "Orders", FlushEvery: 5}, Properties: map[string]any{}}
		if err := StoreHooks(ephor.Grafana{}, s).Function(t.Context(), &ephor.Deployment{}, template); err != nil {
			t.Fatal(err)
		}
		want["EPHOR_FLUSH_EVERY"] = "5"
		if diff := cmp.Diff(map[string]any{"Environment": map[string]any{"Variables": want}}, template.Properties); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", s, diff)
		}
	}
	f(ephor.Store{URL: "http://s", Database: "d"}, map[string]any{"EPHOR_STORE_URL": "http://s", "EPHOR_STORE_DATABASE": "d"})
	f(ephor.Store{URL: "https://s", Database: "d", CA: "a certificate", Token: ephor.Secret{ID: "shop/writer"}}, map[string]any{
		"EPHOR_STORE_URL": "https://s", "EPHOR_STORE_DATABASE": "d", "EPHOR_STORE_CA": "a certificate",
		"EPHOR_STORE_TOKEN": "{{resolve:secretsmanager:shop/writer:SecretString}}"})
	f(ephor.Store{URL: "https://s", Organization: "o", Bucket: "b", Token: ephor.Secret{ID: "shop/writer", Key: "token"}}, map[string]any{
		"EPHOR_STORE_URL": "https://s", "EPHOR_STORE_ORG": "o", "EPHOR_STORE_BUCKET": "b",
		"EPHOR_STORE_TOKEN": "{{resolve:secretsmanager:shop/writer:SecretString:token}}"})
	f(ephor.Store{URL: "https://s", Database: "d", User: "u", Token: ephor.Secret{ID: "shop/writer"}}, map[string]any{
		"EPHOR_STORE_URL": "https://s", "EPHOR_STORE_DATABASE": "d", "EPHOR_STORE_TOKEN": "u:{{resolve:secretsmanager:shop/writer:SecretString}}"})
}
