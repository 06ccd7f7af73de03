package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// stay notes when SIGTERM comes, and then that this process still runs, until it is killed.
func stay(path string) {
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	what := (<-terminated).String()
	for {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			panic(err)
		}
		fmt.Fprintln(f, what, time.Now().UnixMilli())
		f.Close()
		what = "runs"
		time.Sleep(5 * time.Millisecond)
	}
}
