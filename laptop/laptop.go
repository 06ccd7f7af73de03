// Package laptop is AWS on this machine, as far as an application and its monitoring need it: an
// endpoint that SDKs talk to, Lambda, API Gateway, CloudFormation and the services beside them,
// and in place of the monitoring stack's machine a store and a page.
//
//	l, err := laptop.Start(ctx, laptop.Config{Dir: ".ephor/hello/laptop"})
//	…
//	err = l.Close(ctx)
//
// Everything listens on loopback only. State lives in Config.Dir and is found again by the next
// Start, however this one ended.
package laptop

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/ephor-io/ephor/laptop/apigateway"
	"github.com/ephor-io/ephor/laptop/cloudformation"
	"github.com/ephor-io/ephor/laptop/cloudwatch"
	"github.com/ephor-io/ephor/laptop/ec2"
	"github.com/ephor-io/ephor/laptop/eventbridge"
	"github.com/ephor-io/ephor/laptop/iam"
	"github.com/ephor-io/ephor/laptop/lambda"
	"github.com/ephor-io/ephor/laptop/logs"
	"github.com/ephor-io/ephor/laptop/s3"
	"github.com/ephor-io/ephor/laptop/scheduler"
	"github.com/ephor-io/ephor/laptop/secretsmanager"
	"github.com/ephor-io/ephor/laptop/sns"
	"github.com/ephor-io/ephor/laptop/sqs"
	"github.com/ephor-io/ephor/laptop/ssm"
	"github.com/ephor-io/ephor/laptop/sts"
)

// Account is the account that everything on the laptop belongs to.
const Account = "000000000000"

// Config says where and how a laptop runs.
type Config struct {
	// Dir holds the state of all services; it is made if missing.
	Dir string
	// Region stands in ARNs; "" means us-east-1.
	Region string
	// AccessKey is the access key and the secret of the functions' credentials; "" means ephor.
	AccessKey string
	// Ports are where it listens. The zero value takes any that are free.
	Ports Ports
	// Database is made in the store if missing; "" means ephor.
	Database string
	// Setup are statements that the store executes when it is opened: its retention policies and
	// continuous queries.
	Setup []string
	// Points are put into the store when it is opened, after Setup: points in line protocol, by the retention policy
	// that they go to.
	Points map[string]string
	// Page makes the handler behind the page's port, given the store's address. Nil serves none.
	Page func(store string) (http.Handler, error)
	// Beside are what answers on the page's port by pattern, whether there is a monitoring host or not.
	Beside map[string]http.Handler
	// HostReady makes what the monitoring host sends when it has booted with this user data: the
	// address of its wait condition and the signal's body. It is required for a stack with such a
	// host.
	HostReady func(userData, storeURL, pageURL string) (signalURL string, body []byte, err error)
	// Mark makes a point in line protocol, and names its retention policy, of a parameter of Systems Manager that marks a
	// deploy and has another value now; the monitoring host's store takes it. Nil marks nothing.
	Mark func(parameter, value string, changed time.Time) (point, policy string, ok bool)
	// Events is told what happens, by many goroutines at once; it must not block. Nil is told
	// nothing.
	Events func(Event)
}

// Ports are the ports of a laptop.
type Ports struct {
	Page     Port // Grafana's, 3000
	Store    Port // InfluxDB's, 8086
	Endpoint Port // 4566
	Gateway  Port // the first API's, 8080; further APIs take those above it
}

// Addresses are the URLs of a laptop.
type Addresses struct {
	Page, Store, Endpoint string
}

// Laptop is AWS on this machine. Its methods may be called concurrently.
type Laptop struct {
	config    Config
	addresses Addresses
	host      *host

	lambda         *lambda.Service
	events         *eventbridge.Service
	gateway        *apigateway.Service
	cloudformation *cloudformation.Service

	serving sync.WaitGroup
	drains  drains
	// closers end what was started, in reverse order.
	closers []closer
	once    sync.Once
}

type closer struct {
	name  string
	close func(context.Context) error
}

func (l *Laptop) onClose(name string, close func(context.Context) error) {
	l.closers = append(l.closers, closer{name, close})
}

// Start listens, opens every service with the state that Config.Dir holds, and brings back what
// its stacks say. If it fails, nothing goes on running. A port that is fixed and taken is a
// *PortTakenError.
func Start(ctx context.Context, config Config) (*Laptop, error) {
	if config.Region == "" {
		config.Region = "us-east-1"
	}
	if config.AccessKey == "" {
		config.AccessKey = "ephor"
	}
	if config.Database == "" {
		config.Database = "ephor"
	}
	if config.Events == nil {
		config.Events = func(Event) {}
	}
	l := &Laptop{config: config}
	if err := l.start(ctx); err != nil {
		// ctx may have ended; what has been started has its time to end all the same.
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		return nil, errors.Join(err, l.Close(end))
	}
	return l, nil
}

func (l *Laptop) start(ctx context.Context) error {
	c := l.config
	// All ports first: one that is taken is found before anything is touched. Those that are
	// fixed come before those that can move.
	type wanted struct {
		name string
		Port
	}
	ports := []wanted{{"page", c.Ports.Page}, {"store", c.Ports.Store}, {"endpoint", c.Ports.Endpoint}}
	slices.SortStableFunc(ports, func(a, b wanted) int {
		switch {
		case a.Fixed && !b.Fixed:
			return -1
		case b.Fixed && !a.Fixed:
			return 1
		}
		return 0
	})
	listeners := map[string]net.Listener{}
	for _, p := range ports {
		listener, err := listen(p.name, p.Port)
		if err != nil {
			return err
		}
		l.onClose("the "+p.name+"'s listener", func(context.Context) error { return closeListener(listener) })
		listeners[p.name] = listener
		if got := portOf(listener); p.Number != 0 && got != p.Number {
			c.Events(PortMoved{Name: p.name, Wanted: p.Number, Got: got})
		}
	}
	if err := probe("gateway", c.Ports.Gateway); err != nil {
		return err
	}
	at := func(name string) string { return "http://" + listeners[name].Addr().String() }
	l.addresses = Addresses{Page: at("page"), Store: at("store"), Endpoint: at("endpoint")}

	var page http.Handler
	if c.Page != nil {
		var err error
		if page, err = c.Page(l.addresses.Store); err != nil {
			return err
		}
	}
	var err error
	l.host, err = newHost(hostConfig{
		Dir: filepath.Join(c.Dir, "store"), Database: c.Database, Setup: c.Setup, Points: c.Points, StoreURL: l.addresses.Store, PageURL: l.addresses.Page,
		Page: page, Ready: c.HostReady, Events: c.Events,
	})
	if err != nil {
		return err
	}
	l.onClose("the monitoring host", func(context.Context) error { return l.host.Close() })
	// The services are closed before what they talk to: functions that are shut down deliver their
	// last metrics.
	e := &endpoint{}
	l.serve("endpoint", listeners["endpoint"], guard(e, false))
	l.serve("store", listeners["store"], guard(l.host.store(), false))
	l.serve("page", listeners["page"], guard(l.pages(), false))
	services, err := l.open()
	if err != nil {
		return err
	}
	e.services.Store(&services)
	if err := l.cloudformation.Restore(ctx); err != nil {
		return fmt.Errorf("bringing back the stacks: %w", err)
	}
	return nil
}

// pages is what stands behind the page's port.
func (l *Laptop) pages() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", l.host.page())
	for pattern, h := range l.config.Beside {
		mux.Handle(pattern, h)
	}
	return mux
}

// open opens the services, those first that others need, and tells what stands behind the endpoint.
func (l *Laptop) open() (map[string]http.Handler, error) {
	c := l.config
	dir := func(service string) string { return filepath.Join(c.Dir, service) }

	objects, err := s3.Open(s3.Config{Dir: dir("s3"), Region: c.Region, Account: Account,
		// S3 is opened before Lambda and EventBridge, and serves when all are open.
		Functions: told{func() *lambda.Service { return l.lambda }}, Bus: bucketEvents{func() *eventbridge.Service { return l.events }}, Problem: func(err error) { c.Events(Problem{Err: err}) }})
	if err != nil {
		return nil, err
	}
	l.onClose("S3", func(context.Context) error { return objects.Close() })
	l.expire(objects)
	roles, err := iam.Open(iam.Config{Dir: dir("iam"), Account: Account})
	if err != nil {
		return nil, err
	}
	l.onClose("IAM", func(context.Context) error { return roles.Close() })
	secrets, err := secretsmanager.Open(secretsmanager.Config{Dir: dir("secretsmanager"), Region: c.Region, Account: Account})
	if err != nil {
		return nil, err
	}
	l.onClose("Secrets Manager", func(context.Context) error { return secrets.Close() })
	store, err := ssm.Open(ssm.Config{Dir: dir("ssm"), Region: c.Region, Account: Account, Changed: l.mark})
	if err != nil {
		return nil, err
	}
	l.onClose("Systems Manager", func(context.Context) error { return store.Close() })
	identity, err := sts.Open(sts.Config{Account: Account})
	if err != nil {
		return nil, err
	}
	machines, err := ec2.Open(ec2.Config{Dir: dir("ec2"), Region: c.Region, Account: Account, Host: l.host,
		Events: func(e ec2.Event) {
			if failed, ok := e.(ec2.BootFailed); ok {
				c.Events(Problem{Err: failed.Err})
			}
		}})
	if err != nil {
		return nil, err
	}
	l.onClose("EC2", func(context.Context) error { return machines.Close() })
	events, err := logs.Open(logs.Config{Dir: dir("logs"), Region: c.Region, Account: Account,
		Problem: func(err error) { c.Events(Problem{Err: err}) }})
	if err != nil {
		return nil, err
	}
	l.onClose("CloudWatch Logs", func(context.Context) error { return events.Close() })
	queues, err := sqs.Open(sqs.Config{Dir: dir("sqs"), Region: c.Region, Account: Account,
		Endpoint: func() string { return l.addresses.Endpoint }, Problem: func(err error) { c.Events(Problem{Err: err}) }})
	if err != nil {
		return nil, err
	}
	l.onClose("SQS", func(context.Context) error { return queues.Close() })
	l.lambda, err = lambda.Open(lambda.Config{
		Dir: dir("lambda"), Region: c.Region, Account: Account, EndpointURL: l.addresses.Endpoint,
		Credentials: lambda.Credentials{AccessKeyID: c.AccessKey, SecretAccessKey: c.AccessKey, SessionToken: c.AccessKey},
		Objects:     objects,
		Queues:      mail{queues},
		Logs:        sink{events},
		Events:      func(e lambda.Event) { l.lambdaEvent(e) },
		Guard:       func(r *http.Request) error { return checkSite(r, false) },
		FunctionURL: func(id string) (string, error) {
			// Lambda is opened before what serves its URLs.
			if l.gateway == nil {
				return "", errors.New("nothing serves function URLs yet")
			}
			return l.gateway.URLAddress(id)
		},
	})
	if err != nil {
		return nil, err
	}
	l.onClose("Lambda", l.lambda.Close)
	topics, err := sns.Open(sns.Config{Dir: dir("sns"), Region: c.Region, Account: Account, Endpoint: func() string { return l.addresses.Endpoint },
		Functions: notified{l.lambda}, Queues: post{queues, snsPrincipal}, Problem: func(err error) { c.Events(Problem{Err: err}) }})
	if err != nil {
		return nil, err
	}
	l.onClose("SNS", func(context.Context) error { return topics.Close() })
	l.events, err = eventbridge.Open(eventbridge.Config{Dir: dir("eventbridge"), Region: c.Region, Account: Account,
		Targets: ruleTargets{l.lambda, queues, topics}, Problem: func(err error) { c.Events(Problem{Err: err}) }})
	if err != nil {
		return nil, err
	}
	l.onClose("EventBridge", func(context.Context) error { return l.events.Close() })
	times, err := scheduler.Open(scheduler.Config{Dir: dir("scheduler"), Region: c.Region, Account: Account,
		Invoke: invokeLater(l.lambda), Problem: func(err error) { c.Events(Problem{Err: err}) }})
	if err != nil {
		return nil, err
	}
	l.onClose("Scheduler", func(context.Context) error { return times.Close() })
	alarms, err := cloudwatch.Open(cloudwatch.Config{Dir: dir("cloudwatch"), Region: c.Region, Account: Account})
	if err != nil {
		return nil, err
	}
	l.onClose("CloudWatch", func(context.Context) error { return alarms.Close() })
	l.gateway, err = apigateway.Open(apigateway.Config{
		Dir: dir("apigateway"), Region: c.Region, Account: Account, Port: c.Ports.Gateway.Number, PortFixed: c.Ports.Gateway.Fixed,
		Invoker:    invoker{l.lambda},
		Streamer:   invoker{l.lambda},
		Middleware: guardAPI,
		Events:     func(e apigateway.Event) { l.gatewayEvent(e) },
	})
	if err != nil {
		return nil, err
	}
	l.onClose("API Gateway", l.gateway.Close)
	l.onClose("function URLs that were deleted", l.drains.close)
	urls, err := l.lambda.FunctionURLs()
	if err != nil {
		return nil, err
	}
	for _, u := range urls {
		if err := openURL(l.gateway, u); err != nil {
			return nil, err
		}
	}
	l.cloudformation, err = cloudformation.Open(cloudformation.Config{
		Dir: dir("cloudformation"), Region: c.Region, Account: Account,
		Providers: providers(services{objects: objects, roles: roles, secrets: secrets, store: store, machines: machines, lambda: l.lambda, gateway: l.gateway, logs: events, queues: queues, topics: topics, events: l.events, times: times, alarms: alarms}, c.Region),
		Secrets:   secretReader{secrets}, Parameters: parameterReader{store}, Templates: templates{objects},
		EndpointURL: func() string { return l.addresses.Endpoint },
		Address:     l.gateway.LocalAddress,
		Events:      l.stackEvent,
	})
	if err != nil {
		return nil, err
	}
	l.onClose("CloudFormation", l.cloudformation.Close)
	return map[string]http.Handler{
		"s3": objects, "sts": identity, "iam": roles, "secretsmanager": secrets, "ssm": store, "ec2": machines, "sqs": queues, "sns": topics, "events": l.events, "scheduler": times,
		"lambda": l.lambda, "logs": events, "apigateway": l.gateway, "cloudformation": l.cloudformation,
		signals: http.HandlerFunc(l.cloudformation.ServeSignal),
	}, nil
}

// serve answers requests on a listener until Close.
func (l *Laptop) serve(name string, listener net.Listener, h http.Handler) {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	l.serving.Add(1)
	go func() {
		defer l.serving.Done()
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			l.config.Events(Problem{Err: fmt.Errorf("serving the %s: %w", name, err)})
		}
	}()
	l.onClose("the "+name, func(ctx context.Context) error {
		// Whoever matters has been answered: the services are closed before. What is left are
		// readers, and connections that browsers open ahead of need.
		ctx, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			return server.Close()
		}
		return nil
	})
}

// Close ends everything in the reverse order of its start, and returns when no process is left.
// Invocations under way have until ctx ends.
func (l *Laptop) Close(ctx context.Context) (err error) {
	l.once.Do(func() {
		for i := len(l.closers) - 1; i >= 0; i-- {
			if cerr := l.closers[i].close(ctx); cerr != nil {
				err = errors.Join(err, fmt.Errorf("closing %s: %w", l.closers[i].name, cerr))
			}
		}
		l.serving.Wait()
	})
	return err
}

// Addresses are where the laptop answers.
func (l *Laptop) Addresses() Addresses { return l.addresses }

// Lambda is the Lambda service, for its figures.
func (l *Laptop) Lambda() *lambda.Service { return l.lambda }
