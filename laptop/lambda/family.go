package lambda

import (
	"maps"
	"slices"
	"sync/atomic"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// family is a function with its versions and aliases. What it consists of is replaced as a whole
// with every change, so that a request finds its way without a lock.
type family struct {
	name     string
	service  *Service
	counters *counters
	now      atomic.Pointer[members]
	reserved atomic.Int64 // requests in flight that were admitted under reserved concurrency
	requests meter        // of requests, where concurrency is reserved
	scaling  meter        // of environments that are started

	ofTenants atomic.Int64 // environments that are bound to a tenant
}

// members are the parts of a family at one moment. Nobody writes to them.
type members struct {
	record   *record
	latest   *function
	versions map[string]*function // by number, and $LATEST.PUBLISHED
}

func (f *family) record() *record   { return f.now.Load().record }
func (f *family) latest() *function { return f.now.Load().latest }

// all are the pools of every version, $LATEST's first.
func (m *members) all() []*function {
	return append([]*function{m.latest}, slices.Collect(maps.Values(m.versions))...)
}

// version is the pool that serves a version, or nil.
func (m *members) version(version string) *function {
	if version == latest {
		return m.latest
	}
	return m.versions[version]
}

// newFamily makes the pools of what rec says. missing tells why the code of a version is not
// there; the caller holds the others' until newFamily returns.
func newFamily(s *Service, rec *record, c *counters, missing map[string]error) *family {
	fam := &family{name: rec.Name, service: s, counters: c}
	m := &members{record: rec, latest: newFunction(fam, rec.Function, missing[latest]), versions: map[string]*function{}}
	for _, v := range rec.Versions {
		m.versions[v.Version] = newFunction(fam, v, missing[v.Version])
	}
	fam.now.Store(m)
	return fam
}

// become makes the family what rec says. The caller holds Service.changing and the code.
func (f *family) become(rec *record) {
	old := f.now.Load()
	m := &members{record: rec, latest: old.latest, versions: map[string]*function{}}
	mended := old.latest.missing != nil && rec.CodeSHA256 != "" && f.service.code.has(rec.Function)
	if mended {
		m.latest = newFunction(f, rec.Function, nil)
	}
	for _, v := range rec.Versions {
		pool := old.versions[v.Version]
		m.versions[v.Version] = pool
		switch {
		case pool == nil, pool.missing != nil && f.service.code.has(v):
			m.versions[v.Version] = newFunction(f, v, nil)
		case pool.missing != nil, sameEnvironment(pool.configuration(), v):
			pool.each(func(pool *function) { pool.reconfigure(v) })
		default: // $LATEST.PUBLISHED, the only version that changes
			pool.each(func(pool *function) { pool.swap(v) })
		}
	}
	f.now.Store(m)
	switch {
	case mended:
	case old.latest.missing != nil, sameEnvironment(old.record.Function, rec.Function):
		m.latest.each(func(pool *function) { pool.reconfigure(rec.Function) })
	default:
		m.latest.each(func(pool *function) { pool.swap(rec.Function) })
	}
	for number, v := range old.versions {
		if m.versions[number] == nil {
			f.service.keepRetired(v)
			v.each(func(pool *function) { pool.retire(f.service.errNotFound(f.name + ":" + number)) })
		}
	}
	f.provision()
}

// retire ends all pools.
func (f *family) retire(reason error) {
	for _, pool := range f.now.Load().all() {
		f.service.keepRetired(pool)
		pool.each(func(pool *function) { pool.retire(reason) })
	}
}

// reservation is the reserved concurrency, or nil.
func (f *family) reservation() *int { return f.record().ReservedConcurrency }

// target is what a name stands for when it is invoked.
type target struct {
	pool   *function
	arn    string // as the function's context tells it
	policy []Permission
}

// resolve finds what qualifier stands for; an alias with weights takes its pick, which differs from
// call to call.
func (f *family) resolve(qualifier string) (target, error) {
	m := f.now.Load()
	switch {
	case qualifier == "":
		pool, err := m.unqualified()
		return target{pool, m.record.ARN, m.record.Policy}, err
	case qualifier == latest:
		return target{m.latest, m.record.ARN + ":" + latest, m.record.Policy}, nil
	case isNumber(qualifier), qualifier == latestPublished:
		if pool := m.versions[qualifier]; pool != nil {
			cfg := pool.configuration()
			return target{pool, cfg.ARN, cfg.Policy}, nil
		}
		return target{}, f.service.errNotFound(f.name + ":" + qualifier)
	}
	a, ok := m.record.alias(qualifier)
	if !ok {
		return target{}, f.service.errNotFound(f.name + ":" + qualifier)
	}
	pool := m.version(a.pick())
	if pool == nil { // an alias keeps its versions from being deleted
		return target{}, f.service.errNotFound(f.name + ":" + qualifier)
	}
	return target{pool, a.ARN, a.Policy}, nil
}

// errRevision is the refusal of a change that was meant for another state of things.
func errRevision() error {
	return &awsproto.Error{Code: "PreconditionFailedException", Status: 412,
		Message: "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id"}
}
