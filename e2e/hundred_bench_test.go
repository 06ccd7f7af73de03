package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ephor-io/ephor/internal/uptest"
)

// hundred is an application of a hundred functions, each with a route.
const hundred = `package main

import (
	"fmt"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cli"
)

func main() {
	app := ephor.New("Hundred")
	for i := range 100 {
		name := fmt.Sprintf("F%d", i)
		app.Get("/"+name, app.Function(name, func() (string, error) { return name, nil }))
	}
	MONITOR
	cli.Main(app)
}
`

// BenchmarkHundredFunctions is "up" of a hundred functions whose binary is built, from an empty state until
// it says where it is, without a monitoring stack and with one. Its bound is 5 s.
func BenchmarkHundredFunctions(b *testing.B) {
	for name, monitor := range map[string]string{"Alone": "", "Monitored": "app.Monitor(ephor.Grafana{})"} {
		b.Run(name, func(b *testing.B) {
			dir := uptest.NewModule(b, strings.Replace(hundred, "MONITOR", monitor, 1))
			program := uptest.Build(b, dir, "-tags", "ephor_host")
			up(b, dir, program, filepath.Join(b.TempDir(), "state")).Stop(os.Interrupt) // the function is built now
			for b.Loop() {
				a := up(b, dir, program, filepath.Join(b.TempDir(), "state"))
				b.StopTimer()
				if _, body := a.Get("/F99"); body != "F99" {
					b.Fatalf("it says %q", body)
				}
				a.Stop(os.Interrupt)
				b.StartTimer()
			}
		})
	}
}
