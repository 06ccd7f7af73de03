//go:build ephor_lambda

package cli

import (
	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/function"
)

// Main starts the function that this execution environment is for, and does not return.
func Main(app *ephor.App) { function.Start(app) }
