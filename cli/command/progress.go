package command

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/ephor-io/ephor/deploy"
)

// progress shows a deployment's events and, while nothing happens for a while, what is being worked on and
// for how long: some of AWS's resources take minutes.
type progress struct {
	terminal *terminal
	events   chan deploy.Event
	done     chan struct{}
}

// quiet is how long nothing is said about what takes its time.
const quiet = 15 * time.Second

// follow shows events until close.
func (t *terminal) follow() *progress {
	p := &progress{terminal: t, events: make(chan deploy.Event), done: make(chan struct{})}
	go p.run()
	return p
}

// show is a deployment's Events. It must not be called after close.
func (p *progress) show(e deploy.Event) { p.events <- e }

func (p *progress) close() {
	close(p.events)
	<-p.done
}

// deploying is a command that changes stacks: where, and who is told.
type deploying struct {
	*deploy.Deployer
	terminal *terminal
	progress *progress
	config   aws.Config
}

// deploying finds the target, and tells it its endpoint. Its close ends what it has begun.
func (p *program) deploying(ctx context.Context, t *target) (*deploying, error) {
	config, err := p.config(ctx, *t)
	if err != nil {
		return nil, err
	}
	if t.name == targetLaptop {
		t.endpoint = aws.ToString(config.BaseEndpoint)
	}
	d := &deploying{terminal: newTerminal(p.stderr), config: config}
	d.progress = d.terminal.follow()
	d.Deployer = deploy.New(deploy.Config{App: p.app.Name(), AWS: config, Events: d.progress.show})
	return d, nil
}

func (d *deploying) close() {
	d.progress.close()
	d.terminal.close()
}

// work is one resource that is being worked on.
type work struct {
	e     deploy.ResourceChanged
	since time.Time
}

func (p *progress) run() {
	defer close(p.done)
	underWay := map[string]work{}
	tick := time.NewTicker(quiet)
	defer tick.Stop()
	for {
		select {
		case e, ok := <-p.events:
			if !ok {
				return
			}
			p.terminal.show(e)
			r, ok := e.(deploy.ResourceChanged)
			if !ok {
				continue
			}
			id := r.Stack + " " + r.LogicalID
			if !strings.HasSuffix(r.Status, "_IN_PROGRESS") {
				delete(underWay, id)
			} else if _, known := underWay[id]; !known {
				underWay[id] = work{r, time.Now()}
			}
			tick.Reset(quiet)
		case <-tick.C:
			for _, id := range slices.Sorted(maps.Keys(underWay)) {
				w := underWay[id]
				p.terminal.sayf("%s", strings.TrimRight(fmt.Sprintf("  %-34s %-36s %s for %s; %s", w.e.LogicalID, w.e.Type, w.e.Status,
					short(time.Since(w.since)), w.e.Reason), "; "))
			}
		}
	}
}
