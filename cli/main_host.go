//go:build ephor_host && !ephor_lambda

package cli

import (
	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cli/command"
)

// Main runs the command that the program was called with and exits with its status: 0 done,
// 1 failed, 2 wrong usage, 3 an expectation not met.
func Main(app *ephor.App) { command.Main(app) }
