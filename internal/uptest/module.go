package uptest

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Shop is an application, whose only function can be asked to fail in every way.
const Shop = `package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cli"
	"github.com/ephor-io/ephor/metrics"
)

var visits = metrics.NewCounter("visits")

const greeting = "version 1"

func handle(ctx context.Context, r events.APIGatewayV2HTTPRequest) (string, error) {
	visits.Inc()
	switch r.PathParameters["what"] {
	case "panic":
		panic("the handler gave up")
	case "error":
		return "", errors.New("the handler said no")
	case "exit":
		os.Exit(7)
	case "sleep":
		time.Sleep(time.Minute)
	case "json":
		fmt.Println("{\"level\":\"ERROR\",\"msg\":\"sold out\",\"price\":1.0}")
	case "size":
		return strings.Repeat("x", len(r.Body)), nil
	}
	return greeting, nil
}

func main() {
	app := ephor.New("Shop")
	f := app.Function("Handle", handle)
	f.Timeout = 2 * time.Second
	app.Route("ANY", "/{what}", f)
	app.Get("/", f)
	app.Monitor(ephor.Grafana{})
	cli.Main(app)
}
`

// NewModule makes a module of its own, as a user has one, with main.go in it.
func NewModule(t testing.TB, source string) string {
	t.Helper()
	dir := t.TempDir()
	mod, err := os.ReadFile(filepath.Join(Root(t), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile(filepath.Join(Root(t), "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	const ours = "github.com/ephor-io/ephor"
	text := strings.Replace(string(mod), "module "+ours, "module example.com/shop", 1) +
		"\nrequire " + ours + " v0.0.0\nreplace " + ours + " => " + Root(t) + "\n"
	for name, content := range map[string]string{"go.mod": text, "go.sum": string(sum), "main.go": source} {
		WriteFile(t, filepath.Join(dir, name), content)
	}
	return dir
}

// WriteFile writes a file.
func WriteFile(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Build builds the module's program.
func Build(t testing.TB, dir string, flags ...string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "shop")
	c := exec.Command("go", slices.Concat([]string{"build", "-o", program}, flags, []string{"."})...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}
