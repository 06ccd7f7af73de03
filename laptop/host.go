package laptop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ephor-io/ephor/influx"
	"github.com/ephor-io/ephor/laptop/ec2"
	"github.com/ephor-io/ephor/laptop/internal/state"
)

// host stands in for the monitoring stack's machine: booting it opens the store and the page,
// terminating it closes them and deletes the metrics, as a terminated machine's disk goes with it.
//
// Instances come and go as CloudFormation replaces them, the new one before the old; the host
// runs from the first to boot until the last is terminated.
type host struct {
	config hostConfig

	stores, pages atomic.Pointer[http.Handler] // what answers now

	mu        sync.Mutex
	instances map[string]bool // by instance ID; kept in Dir
	server    *influx.Server  // nil while halted
}

type hostConfig struct {
	Dir               string // of the metrics
	Database          string
	Setup             []string          // of the store
	Points            map[string]string // that it has from the start, by retention policy
	StoreURL, PageURL string
	Page              http.Handler // nil for none
	// Ready makes the signal of a host with this user data: where to send it and what.
	Ready  func(userData, storeURL, pageURL string) (signalURL string, body []byte, err error)
	Events func(Event)
}

func newHost(c hostConfig) (*host, error) {
	h := &host{config: c, instances: map[string]bool{}}
	if err := state.Load(h.record(), &h.instances); err != nil {
		return nil, err
	}
	h.show(nil, nil)
	return h, nil
}

func (h *host) record() string { return filepath.Join(h.config.Dir, "instances.json") }

// Boot starts the host for an instance and signals the stack that it is ready.
func (h *host) Boot(ctx context.Context, i ec2.Instance) error {
	if err := h.start(i.InstanceID); err != nil {
		return fmt.Errorf("booting the monitoring host: %w", err)
	}
	if err := h.signal(ctx, i.UserData); err != nil {
		return fmt.Errorf("the monitoring host is up, but could not say so: %w", err)
	}
	return nil
}

func (h *host) start(instance string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.instances[instance] {
		h.instances[instance] = true
		if err := state.Save(h.record(), h.instances); err != nil {
			return err
		}
	}
	if h.server != nil {
		return nil
	}
	server, err := influx.Open(influx.Config{
		Dir: filepath.Join(h.config.Dir, "data"), Database: h.config.Database, Setup: h.config.Setup,
		OnEvent: func(e influx.Event) { h.config.Events(Problem{Err: storeProblem(e)}) },
	})
	if err != nil {
		return err
	}
	for policy, points := range h.config.Points {
		if err := write(server, h.config.Database, points, policy); err != nil {
			return errors.Join(fmt.Errorf("what the store shall have from the start, in the retention policy %s: %w", policy, err), server.Close())
		}
	}
	h.server = server
	h.show(server, h.config.Page)
	return nil
}

// storeProblem is what the store's engine warned about.
func storeProblem(e influx.Event) error {
	text := "the store: " + e.Message
	if e.Path != "" {
		text += ": " + e.Path
	}
	if e.Err != nil {
		return fmt.Errorf("%s: %w", text, e.Err)
	}
	return errors.New(text)
}

// signal tells the stack's wait condition that the host is ready.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-waitcondition.html
func (h *host) signal(ctx context.Context, userData string) error {
	target, body, err := h.config.Ready(userData, h.config.StoreURL, h.config.PageURL)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, target, bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(r)
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err // without the address, which holds the signal's secret
	}
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1000)) // what can be read of the reason
		return fmt.Errorf("the wait condition answered %s: %s", response.Status, text)
	}
	return nil
}

// Halt stops the host when its last instance is terminated, and deletes its metrics.
func (h *host) Halt(_ context.Context, instance string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.instances, instance)
	if err := state.Save(h.record(), h.instances); err != nil {
		return err
	}
	if len(h.instances) > 0 {
		return nil
	}
	if err := h.stop(); err != nil {
		return err
	}
	if err := os.RemoveAll(h.config.Dir); err != nil {
		return fmt.Errorf("deleting the metrics: %w", err)
	}
	return nil
}

// Close stops the host and keeps its metrics.
func (h *host) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.stop()
}

func (h *host) stop() error {
	h.show(nil, nil)
	if h.server == nil {
		return nil
	}
	server := h.server
	h.server = nil
	return server.Close()
}

// show makes store and page what answers on their ports; nil says that no host is there.
func (h *host) show(store, page http.Handler) {
	absent := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, errNoHost.Error(), http.StatusServiceUnavailable)
	}))
	if store == nil {
		store = absent
	}
	if page == nil {
		page = absent
	}
	h.stores.Store(&store)
	h.pages.Store(&page)
}

var errNoHost = errors.New("there is no monitoring host: its stack is not provisioned")

// store is what stands behind the store's port.
func (h *host) store() http.Handler { return current(&h.stores) }

// page is what stands behind the page's port.
func (h *host) page() http.Handler { return current(&h.pages) }

func current(p *atomic.Pointer[http.Handler]) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*p.Load()).ServeHTTP(w, r) })
}
