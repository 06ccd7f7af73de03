// Package command is the command line of an Ephor application: what [cli.Main] runs on a developer's
// machine.
//
// [cli.Main]: https://pkg.go.dev/github.com/ephor-io/ephor/cli#Main
package command

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/metrics"
)

// Main runs the command that the program was called with and exits with its status: 0 done,
// 1 failed, 2 wrong usage, 3 an expectation not met.
func Main(app *ephor.App) {
	if err := keepDescriptors(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	declared := metrics.Default().Declared()
	app.Instruments(instrumentPanels(declared)...)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	p := &program{app: app, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, declared: declared}
	os.Exit(p.run(ctx, os.Args[1:]))
}
