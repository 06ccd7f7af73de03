// Package cli is what an Ephor application's main hands over to: the commands on a developer's
// machine, the function inside Lambda.
//
//	func main() {
//		app := ephor.New("SpartaGrafana")
//		…
//		cli.Main(app)
//	}
//
// Build tags decide what Main is. With ephor_lambda it starts the function, and nothing else is
// linked. With ephor_host it is the command line, the laptop and all. With neither, which is what
// `go run .` and `go build` make, it is small and quickly built: it has the go command make the one
// with ephor_host from the same package, keeps that in Go's build cache, and becomes it. So a start in a
// folder where Go has built nothing yet takes a second or two, not ten: what is built with -trimpath is
// found in the cache wherever it lies.
//
// A program that shall do without the go command, or be looked at by a debugger, is built with
// -tags ephor_host.
package cli
