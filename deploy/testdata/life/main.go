// Life is what the suite of a stack's whole life deploys: it answers with the version that it was built as.
package main

import (
	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cli"
)

var version = "unknown"

func main() {
	app := ephor.New("EphorLife")
	app.Function("Job", func() (string, error) { return version, nil })
	cli.Main(app)
}
