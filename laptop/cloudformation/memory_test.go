package cloudformation

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/ephor-io/ephor/cfn/eval"
)

// thingType is a resource type whose resources live in memory.
const thingType = "Test::Memory::Thing"

// memory provides thingType. It outlives a Service, as the world outlives a laptop. A Service works on while a test
// looks, so tests go by its methods.
type memory struct {
	mu     sync.Mutex
	things map[string]thing // by token
	log    []string         // what was done, such as "create A"
	fail   map[string]error // by "create A" and the like
	block  map[string]chan struct{}
	boots  map[string]bool // logical IDs whose Restore says Signals
	hook   func()          // called before and after whatever is done
}

type thing struct {
	Logical, PhysicalID string
	Properties          map[string]any
}

func newMemory() *memory {
	return &memory{things: map[string]thing{}, fail: map[string]error{}, block: map[string]chan struct{}{}, boots: map[string]bool{}}
}

// failAt lets what is named, such as "create A", fail with err from now on; nil lets it succeed.
func (m *memory) failAt(what string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail[what] = err
}

// blockAt lets what is named hang until unblock.
func (m *memory) blockAt(what string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.block[what] = make(chan struct{})
}

func (m *memory) unblock(what string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	close(m.block[what])
	delete(m.block, what)
}

// bootsAt lets Restore say of a logical ID that it signals.
func (m *memory) bootsAt(logical string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.boots[logical] = true
}

// setHook has hook called before and after whatever is done; nil has nothing called.
func (m *memory) setHook(hook func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hook = hook
}

// all are the things by token, and hold puts others in their place.
func (m *memory) all() map[string]thing {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.things)
}

func (m *memory) hold(things map[string]thing) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.things = maps.Clone(things)
}

// begun says that something has been begun since the last call of done.
func (m *memory) begun(what string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Contains(m.log, what)
}

func (m *memory) Schema() Schema {
	return Schema{
		Properties: []string{"Name", "Value", "Size", "List", "Secret", "Big"},
		CreateOnly: []string{"Name"},
		Attributes: []string{"Arn", "Value", "Endpoint.Port"},
	}
}

// like is memory under another schema.
type like struct {
	*memory
	schema Schema
}

func (l like) Schema() Schema { return l.schema }

// do notes an action and fails or blocks as the test wants it.
func (m *memory) do(ctx context.Context, what string) error {
	m.mu.Lock()
	m.log = append(m.log, what)
	err, block, hook := m.fail[what], m.block[what], m.hook
	m.mu.Unlock()
	if hook != nil {
		hook()
	}
	if block != nil {
		select {
		case <-block:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

func (m *memory) keep(r Request) Resource {
	t := thing{Logical: r.LogicalID, PhysicalID: r.PhysicalName(0), Properties: r.Properties}
	m.mu.Lock()
	m.things[r.Token] = t
	hook := m.hook
	m.mu.Unlock()
	if hook != nil {
		hook()
	}
	return Resource{PhysicalID: t.PhysicalID, Attributes: map[string]any{
		"Arn":      "arn:thing:" + t.PhysicalID,
		"Value":    fmt.Sprint(r.Properties["Value"]),
		"Endpoint": map[string]any{"Port": 8086},
	}}
}

func (m *memory) Create(ctx context.Context, r Request) (Resource, error) {
	if err := m.do(ctx, "create "+r.LogicalID); err != nil {
		return Resource{}, err
	}
	return m.keep(r), nil
}

func (m *memory) Update(ctx context.Context, r Request) (Resource, error) {
	if err := m.do(ctx, "update "+r.LogicalID); err != nil {
		return Resource{}, err
	}
	return m.keep(r), nil
}

func (m *memory) Delete(ctx context.Context, r Request) error {
	if err := m.do(ctx, "delete "+r.LogicalID); err != nil {
		return err
	}
	m.mu.Lock()
	delete(m.things, r.Token)
	hook := m.hook
	m.mu.Unlock()
	if hook != nil {
		hook()
	}
	return nil
}

func (m *memory) Restore(ctx context.Context, r Request) (Resource, error) {
	if err := m.do(ctx, "restore "+r.LogicalID); err != nil {
		return Resource{}, err
	}
	got := m.keep(r)
	m.mu.Lock()
	defer m.mu.Unlock()
	got.Signals = m.boots[r.LogicalID]
	return got, nil
}

// done returns what was done since the last call.
func (m *memory) done() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	log := m.log
	m.log = nil
	return log
}

// values are the Value properties of all things, by logical ID.
func (m *memory) values() map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]string{}
	for _, t := range m.things {
		if _, twice := out[t.Logical]; twice {
			out[t.Logical] += " and "
		}
		out[t.Logical] += fmt.Sprint(t.Properties["Value"])
	}
	return out
}

// vault is a secret and parameter store.
type vault map[string]string

func (v vault) Secret(_ context.Context, id, _, _ string) (string, error) {
	if s, ok := v[id]; ok {
		return s, nil
	}
	return "", fmt.Errorf("secret %s: %w", id, eval.ErrNotFound)
}

func (v vault) Parameter(ctx context.Context, name string) (string, error) {
	return v.Secret(ctx, name, "", "")
}
