// Again builds itself with the tag second, becomes that, and says which of the two it is.
package main

import (
	"context"
	"fmt"
	"os"
	"syscall"

	"github.com/ephor-io/ephor/internal/gotool"
)

// word is set by the linker.
var word string

func main() {
	if second {
		fmt.Println("second", word, os.Args[1:])
		return
	}
	path, err := gotool.Again(context.Background(), "second")
	if err == nil {
		fmt.Println(path)
		err = syscall.Exec(path, os.Args, os.Environ())
	}
	fmt.Println(err)
	os.Exit(1)
}
