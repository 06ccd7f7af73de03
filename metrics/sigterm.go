package metrics

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// terminationTimeout is what the final flush may take of the 500 ms that Lambda leaves a function
// with an internal extension between SIGTERM and SIGKILL.
//
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown
const terminationTimeout = 400 * time.Millisecond

// overdueTimeout is how long SIGTERM is waited for when the time of an invocation is up. It is on its way then, unless
// Lambda has taken the answer in the last moment.
const overdueTimeout = time.Second

func subscribe() chan os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM)
	return c
}

// awaitTermination sends what is left when Lambda ends the environment, which it also does after
// an invocation has run out of time, and then lets the signal do what it would have done: end
// the process, unless somebody else in it listens too.
func (p *Publisher) awaitTermination(c chan os.Signal) func() {
	return func() {
		defer signal.Stop(c)
		select {
		case <-c:
		case <-p.ctx.Done():
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), terminationTimeout)
		defer cancel()
		p.finish(ctx)
		signal.Stop(c)
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Signal(syscall.SIGTERM)
		}
		if err != nil {
			os.Exit(1) // not to be caught alive by SIGKILL
		}
	}
}
