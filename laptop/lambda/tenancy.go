package lambda

import (
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// PerTenant is the one mode of tenant isolation that there is: every invocation says a tenant, and
// an environment serves one tenant only, as long as it lives. See
// https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation.html and
// https://docs.aws.amazon.com/lambda/latest/api/API_TenancyConfig.html
const PerTenant = "PER_TENANT"

// validTenant is what the API's model says of a TenantId: 1 to 256 of these characters.
var validTenant = regexp.MustCompile(`^[a-zA-Z0-9._:/=+\-@ ]{1,256}$`)

// isolatesTenants says that environments are bound to tenants.
func (f Function) isolatesTenants() bool { return f.TenantIsolationMode != "" }

// checkTenancy refuses a mode that there is not, and what cannot go with the one that there is.
func (f Function) checkTenancy() error {
	switch {
	case f.TenantIsolationMode != "" && f.TenantIsolationMode != PerTenant:
		return awsproto.Errorf("InvalidParameterValueException", "TenancyConfig: TenantIsolationMode %q: it is %s", f.TenantIsolationMode, PerTenant)
	case f.isolatesTenants() && f.ManagedInstances != nil:
		return awsproto.Errorf("InvalidParameterValueException", "TenancyConfig and CapacityProviderConfig: there is no tenant isolation on Managed Instances, where invocations share an environment")
	}
	return nil
}

// notWithTenants is the refusal of what a function with tenant isolation cannot have, because
// nobody there could say a tenant: "SnapStart, provisioned concurrency, function URLs and most event
// sources". See https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation.html#tenant-isolation-features
func (f Function) notWithTenants(what string) error {
	if !f.isolatesTenants() {
		return nil
	}
	return awsproto.Errorf("InvalidParameterValueException", "%s is not for functions with tenant isolation, as %s is (TenancyConfig)", what, f.Name)
}

// checkTenant refuses an invocation without a tenant where one is needed, and one with a tenant where
// there are none. See https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation-troubleshooting.html
func checkTenant(isolated bool, name, tenant string) error {
	switch {
	case isolated && tenant == "":
		return awsproto.Errorf("InvalidParameterValueException", "The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request and try again.")
	case !isolated && tenant != "":
		return awsproto.Errorf("InvalidParameterValueException", "The invoked function %s is not enabled with tenancy configuration. Remove the tenant ID from your request and try again.", name)
	case isolated && !validTenant.MatchString(tenant):
		return awsproto.Errorf("InvalidParameterValueException", "TenantId %q: 1 to 256 of the characters a-z A-Z 0-9 . _ : / = + - @ and space", tenant)
	}
	return nil
}

// tenants are the pools of a version whose environments are bound to tenants: one pool for each, so that
// no environment can serve two. The version's own pool has no environments then.
type tenants struct {
	mu    sync.Mutex // taken before a pool's and an environment's
	pools map[string]*tenantPool
}

// tenantPool goes when it has no environment any more and no request uses it.
type tenantPool struct {
	*function
	uses atomic.Int64 // by requests that are in flight; it grows under tenants.mu
}

// ofTenant is the pool of a tenant's environments. The caller calls leave when its request is answered,
// whatever locks it has.
func (f *function) ofTenant(tenant string) (pool *function, leave func(), err error) {
	t := &f.tenants
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.pools[tenant]
	if p == nil {
		f.mu.Lock()
		cfg, gone := f.cfg, f.gone
		f.mu.Unlock()
		if gone != nil {
			return nil, nil, gone
		}
		p = &tenantPool{function: newFunction(f.family, cfg, nil)}
		p.tenant = tenant
		if t.pools == nil {
			t.pools = map[string]*tenantPool{}
		}
		t.pools[tenant] = p
	}
	p.uses.Add(1)
	return p.function, func() { p.uses.Add(-1) }, nil
}

// each does something to f and the pools of its tenants, while no other is made.
func (f *function) each(do func(*function)) {
	f.tenants.mu.Lock()
	defer f.tenants.mu.Unlock()
	do(f)
	for _, p := range f.tenants.pools {
		do(p.function)
	}
}

// reapTenants is reap for the pools of all tenants; those that are of no use any more go.
func (f *function) reapTenants(before time.Time) {
	t := &f.tenants
	t.mu.Lock()
	defer t.mu.Unlock()
	for tenant, p := range t.pools {
		p.reap(before)
		if p.uses.Load() == 0 && p.empty() {
			delete(t.pools, tenant)
			p.retire(errReplaced(f.name))
		}
	}
}

// tenantsPerConcurrency is how many environments, busy or idle, a function with tenant isolation
// may have for each unit of its concurrency: 2,500 for 1,000. See "TooManyRequestsException" in
// https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation-troubleshooting.html
const tenantsPerConcurrency = 2.5

// mayStart takes one from what the scaling rate allows, and of a tenant's environments one from what
// the function may have.
func (f *function) mayStart() bool {
	if f.tenant == "" {
		return f.family.mayStart()
	}
	concurrency := f.service.cfg.ConcurrencyLimit
	if r := f.family.reservation(); r != nil {
		concurrency = *r
	}
	leave, ok := enter(&f.family.ofTenants, int64(float64(concurrency)*tenantsPerConcurrency))
	if ok && !f.family.mayStart() {
		leave()
		ok = false
	}
	return ok
}
