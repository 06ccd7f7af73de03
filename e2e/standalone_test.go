package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ephor-io/ephor/internal/uptest"
)

// A program that has nothing of Ephor's but package metrics, with lambda.Start and a template of its own,
// deployed by the AWS CLI as the template's comment says: what it measures is in the store that the template
// names, once, also of the environments that are gone when a change has replaced them.
func TestTheStandaloneExample(t *testing.T) {
	t.Parallel()
	a := up(t, uptest.Root(t), helloProgram(t), filepath.Join(t.TempDir(), "state"))
	c := newAWS(t, a)
	folder := filepath.Join(uptest.Root(t), "examples", "standalone")
	text, err := os.ReadFile(filepath.Join(folder, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	template := filepath.Join(t.TempDir(), "template.yaml")
	const there = "Architectures: [arm64]"
	if !strings.Contains(string(text), there) {
		t.Fatalf("the template has no %s", there)
	}
	uptest.WriteFile(t, template, strings.Replace(string(text), there, "Architectures: ["+architecture()+"]", 1))

	c.run(true, "s3", "mb", "s3://orders")
	c.run(true, "s3", "cp", packaged(t, folder), "s3://orders/orders.zip")
	// The writer's own secret will do: this store takes everybody.
	c.run(true, "cloudformation", "create-stack", "--stack-name", "orders", "--template-body", "file://"+template, "--capabilities", "CAPABILITY_IAM",
		"--parameters", "ParameterKey=CodeBucket,ParameterValue=orders", "ParameterKey=StoreURL,ParameterValue="+a.Store,
		"ParameterKey=StoreSecret,ParameterValue="+c.outputs("SpartaGrafana-Monitoring")["StoreSecret"])
	uptest.Eventually(t, "the stack is there", func() bool { return c.outputs("orders")["status"] == "CREATE_COMPLETE" })
	function := c.outputs("orders")["Function"]

	dir := t.TempDir()
	invoke := func(event string) string {
		t.Helper()
		uptest.WriteFile(t, filepath.Join(dir, "event"), event)
		c.run(true, "lambda", "invoke", "--function-name", function, "--payload", "fileb://"+filepath.Join(dir, "event"), filepath.Join(dir, "answer"))
		body, err := os.ReadFile(filepath.Join(dir, "answer"))
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	for range 3 {
		if got := invoke(`{"price":12}`); got != `"ordered"` {
			t.Errorf("it answers %s", got)
		}
	}
	if got := invoke(`{}`); !strings.Contains(got, "an order has a price") {
		t.Errorf("of an order without a price it says %s", got)
	}
	c.run(true, "cloudformation", "delete-stack", "--stack-name", "orders")
	where := ` WHERE "function" = '` + function + `'`
	uptest.Eventually(t, "the environment's last batch", func() bool { return a.count(`SELECT count("final") FROM "publisher"`+where) == 1 })
	for q, want := range map[string]int{
		recorded + where: 4,
		`SELECT count("error") FROM "invocation"` + where:                    1,
		`SELECT sum("count") FROM "orders"` + where + ` AND "kind" = 'book'`: 3,
		`SELECT sum("sum") FROM "price"` + where:                             36,
		`SELECT max("dropped") FROM "publisher"` + where:                     0,
	} {
		if got := a.count(q); got != want {
			t.Errorf("%s: %d, want %d", q, got, want)
		}
	}
	if status, _ := a.Get("/hello/grafana"); status != http.StatusOK {
		t.Errorf("the other application answers %d", status)
	}
}
