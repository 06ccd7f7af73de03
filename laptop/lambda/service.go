package lambda

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// Config is what a Service is opened with.
type Config struct {
	// Dir holds everything the service keeps: functions/, layers/, code/ and queue/. It is made if missing.
	Dir string
	// Region is the region in ARNs and in the functions' environment. Default us-east-1.
	Region string
	// Account is the account in ARNs. Default 000000000000.
	Account string
	// EndpointURL is where the functions' SDKs find AWS (AWS_ENDPOINT_URL). Empty sets none.
	EndpointURL string
	// Credentials are given to the functions. The zero value gives made-up ones.
	Credentials Credentials
	// ConcurrencyLimit is the account's limit of requests in flight. Default 1000.
	ConcurrencyLimit int
	// ScalingRate is how many environments of one function may be started in 10 s. Default 1000.
	ScalingRate int
	// IdleTimeout is how long an environment may be idle before it is shut down. Default 5 minutes.
	IdleTimeout time.Duration
	// Objects fetches code that is named by bucket and key. Nil refuses such code.
	Objects Objects
	// Queues are what event source mappings take messages from. Nil refuses mappings.
	Queues Queues
	// Logs keeps what the environments write. Nil keeps nothing; Events is told of it all the same.
	Logs Sink
	// Events is told what happens. It is called from many goroutines, sometimes with locks held,
	// so it must neither block nor call the Service. Nil is told nothing.
	Events func(Event)
	// Guard says why a request to an environment's Runtime API is refused, as one of a web page is, which
	// is answered with 403. Nil refuses none.
	Guard func(*http.Request) error

	// FunctionURL is the address of the function URL with that ID; it should be the same in every
	// call. Default https://ID.lambda-url.REGION.on.aws/, where nobody on this machine answers.
	FunctionURL func(id string) (string, error)

	// initTimeout limits the init phase where an invocation waits for it. Default 10 s, which is Lambda's.
	initTimeout time.Duration
	// requestRate is how many requests a second each unit of concurrency admits. Default 10.
	requestRate float64
	// provisionDelay is the wait after the first failed start of a provisioned environment, which
	// doubles from then on up to a minute. Default 1 s.
	provisionDelay time.Duration
	// retryDelays are the waits before the first and the second retry of an asynchronous
	// invocation. Default 1 and 2 minutes.
	retryDelays [maxRetries]time.Duration
	// backOff is the wait after an asynchronous invocation was throttled, which doubles from then
	// on up to 5 minutes. Default 1 s.
	backOff time.Duration
	// queueLimit is how many asynchronous invocations may wait. Default 100000.
	queueLimit int
	// killAt has kill called at the end of a grace, unless keepAlive is called before. Default: killAt.
	killAt func(end time.Time, kill func()) (keepAlive func())
	// bare does without control groups and namespaces, as where there are none.
	bare bool
}

// Credentials are what AWS's SDKs sign with.
type Credentials struct{ AccessKeyID, SecretAccessKey, SessionToken string }

// Objects reads objects of S3.
type Objects interface {
	// GetObject returns the whole object. version is empty for the newest.
	GetObject(ctx context.Context, bucket, key, version string) ([]byte, error)
}

// Service is one account's Lambda in one region. Its methods may be called concurrently, and it
// serves Lambda's wire API (see ServeHTTP).
type Service struct {
	cfg     Config
	spawner *spawner
	freezer *freezer
	ending  chan struct{} // a place for each idle environment that is being shut down, see end
	code    *codeStore
	logs    *logStore
	warden  *warden

	mu        sync.RWMutex         // guards functions, counters and closing
	functions map[string]*family   // by name
	retired   []*function          // deleted, but perhaps still at work
	counters  map[string]*counters // by function name; they outlive the function
	closing   bool

	changing     sync.Mutex   // held by whatever creates, changes or deletes a function
	unreserved   atomic.Int64 // what reserved concurrency leaves of the account's limit
	inFlight     atomic.Int64 // unanswered requests to functions without reserved concurrency
	requests     meter        // of requests to them
	opened       time.Time
	layers       layerBook
	queue        *queue
	sources      *eventSources
	environments sync.WaitGroup
	stopReaper   context.CancelFunc
	background   sync.WaitGroup // the reaper and the freezer
	stopWarden   context.CancelFunc
	wardens      sync.WaitGroup
}

// Open loads the functions that Config.Dir holds. No environment is started before it is needed but
// those that are provisioned, and asynchronous invocations that were left go on.
//
// A function whose code is missing, because somebody has removed its folder, keeps nobody else
// from working. Config.Events is told (CodeMissing), its invocations fail and say why, and to
// Function and Functions it does not exist: so CreateFunction makes it anew, which is what
// CloudFormation does with a resource that has gone. UpdateFunctionCode mends it too, and keeps its
// configuration.
func Open(cfg Config) (*Service, error) {
	cfg.Region = cmp.Or(cfg.Region, "us-east-1")
	cfg.Account = cmp.Or(cfg.Account, "000000000000")
	cfg.ConcurrencyLimit = cmp.Or(cfg.ConcurrencyLimit, 1000)
	cfg.IdleTimeout = cmp.Or(cfg.IdleTimeout, 5*time.Minute)
	cfg.initTimeout = cmp.Or(cfg.initTimeout, 10*time.Second)
	cfg.Credentials = cmp.Or(cfg.Credentials, Credentials{"ephor", "ephor", "ephor"})
	cfg.ScalingRate = cmp.Or(cfg.ScalingRate, 1000)
	cfg.requestRate = cmp.Or(cfg.requestRate, requestsPerConcurrency)
	cfg.provisionDelay = cmp.Or(cfg.provisionDelay, time.Second)
	cfg.retryDelays = cmp.Or(cfg.retryDelays, [maxRetries]time.Duration{time.Minute, 2 * time.Minute})
	cfg.backOff = cmp.Or(cfg.backOff, time.Second)
	cfg.queueLimit = cmp.Or(cfg.queueLimit, 100_000)
	if cfg.killAt == nil {
		cfg.killAt = killAt
	}
	if cfg.FunctionURL == nil {
		region := cfg.Region
		cfg.FunctionURL = func(id string) (string, error) {
			return "https://" + id + ".lambda-url." + region + ".on.aws/", nil
		}
	}
	if cfg.Events == nil {
		cfg.Events = func(Event) {}
	}
	if cfg.Logs == nil {
		cfg.Logs = noSink{}
	}
	if cfg.Guard == nil {
		cfg.Guard = func(*http.Request) error { return nil }
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("opening Lambda: %w", err)
	}
	cfg.Dir = dir
	if err := os.MkdirAll(filepath.Join(dir, "functions"), 0o700); err != nil {
		return nil, fmt.Errorf("opening Lambda: %w", err)
	}
	s := &Service{
		cfg:       cfg,
		code:      newCodeStore(filepath.Join(dir, "code")),
		logs:      &logStore{sink: cfg.Logs, events: cfg.Events},
		freezer:   newFreezer(),
		ending:    make(chan struct{}, endAtOnce()),
		warden:    newWarden(),
		functions: map[string]*family{},
		counters:  map[string]*counters{},
		opened:    time.Now(),
	}
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("opening Lambda: %w", err)
	}
	tmp := filepath.Join(dir, "tmp")
	if err := removeAll(tmp); err != nil { // what a kill has left there
		return nil, fmt.Errorf("opening Lambda: %w", err)
	}
	if s.spawner, err = newSpawner(s.code.dir, tmp, cfg.bare); err != nil {
		return nil, fmt.Errorf("opening Lambda: %w", err)
	}
	cfg.Events(s.spawner.isolation())
	if s.queue, err = openQueue(s); err != nil {
		s.spawner.close()
		return nil, fmt.Errorf("opening Lambda: %w", err)
	}
	if s.sources, err = openEventSources(s); err != nil {
		s.spawner.close()
		return nil, fmt.Errorf("opening Lambda: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.stopReaper = cancel
	s.background.Go(func() { s.reap(ctx) })
	s.background.Go(s.freezer.run)
	guarded, stop := context.WithCancel(context.Background())
	s.stopWarden = stop
	s.wardens.Go(func() { s.warden.run(guarded) })
	s.queue.run()
	for _, fam := range s.families() {
		fam.provision()
	}
	return s, nil
}

// Close refuses new requests, waits for those under way until ctx is done, shuts every
// environment down and returns when no process is left. Closing twice is an error.
func (s *Service) Close(ctx context.Context) error {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		return errors.New("closing Lambda: it is closed")
	}
	s.closing = true
	functions := slices.Clone(s.retired)
	for _, fam := range s.functions {
		functions = append(functions, fam.now.Load().all()...)
	}
	s.mu.Unlock()

	s.queue.stop()
	s.sources.stop()
	s.stopReaper()
	s.freezer.close()
	s.background.Wait()
	err := drain(ctx, functions)
	for _, f := range functions {
		f.each(func(pool *function) { pool.close(errClosing()) })
	}
	s.environments.Wait()
	s.queue.wait()
	s.sources.work.Wait()
	s.stopWarden()
	s.wardens.Wait()
	s.spawner.close()
	s.code.close()
	return err
}

// drain waits until no function has work.
func drain(ctx context.Context, functions []*function) error {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for _, f := range functions {
		for f.working() {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return fmt.Errorf("closing Lambda: invocations of %s were cut off: %w", f.name, ctx.Err())
			}
		}
	}
	return nil
}

// SpinDown shuts down every environment that is idle, as Lambda does sooner or later with all of
// them: what an environment still holds it can deliver then. It does not wait for their end, which
// Stats tells.
func (s *Service) SpinDown() {
	for _, f := range s.snapshot() {
		f.each((*function).spinDown)
	}
}

// reap shuts down environments that have been idle for too long.
func (s *Service) reap(ctx context.Context) {
	every := min(max(s.cfg.IdleTimeout/4, time.Millisecond), 10*time.Second)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			for _, f := range s.snapshot() {
				f.reap(now.Add(-s.cfg.IdleTimeout))
				f.reapTenants(now.Add(-s.cfg.IdleTimeout))
			}
		}
	}
}

func (s *Service) closed() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.closing
}

func errClosing() error {
	return &awsproto.Error{Code: "ServiceException", Message: "Lambda is shutting down", Status: http.StatusServiceUnavailable}
}
