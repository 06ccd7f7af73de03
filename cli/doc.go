// Package cli is what an Ephor application's main hands over to: the commands on a developer's
// machine, the function inside Lambda.
//
//	func main() {
//		app := ephor.New("SpartaGrafana")
//		…
//		cli.Main(app)
//	}
//
// Built with the tag ephor_lambda, Main starts the function and nothing else is linked.
package cli
