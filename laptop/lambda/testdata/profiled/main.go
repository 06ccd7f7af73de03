// Command profiled is a function that takes orders for profiles, and burns time.
package main

import (
	"os"
	"time"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/function"
)

var kept []byte

type event struct{ MS int }

type answer struct{ PID, Steps int }

func handle(e event) (answer, error) {
	if kept == nil {
		kept = keep()
	}
	return answer{os.Getpid(), burn(time.Duration(e.MS) * time.Millisecond)}, nil
}

//go:noinline
func keep() []byte { return make([]byte, 8<<20) }

//go:noinline
func burn(d time.Duration) (steps int) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		steps++
	}
	return steps
}

func main() {
	app := ephor.New("Profiled")
	app.Function("HelloWorld", handle)
	function.Start(app)
}
