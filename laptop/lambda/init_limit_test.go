package lambda

import (
	"testing"
	"time"
)

// TestLongInit: the 10 s are not for Managed Instances, nor for provisioned concurrency.
func TestLongInit(t *testing.T) {
	t.Parallel()
	slow := func(in *FunctionInput) { in.Environment = map[string]string{"INIT_MS": "1500"} }
	for name, begin := range map[string]func(*Service){
		"Managed Instances": func(s *Service) {
			create(t, s, hello(t, slow, onManagedInstances(1)))
			call(t, s, `{}`)
		},
		"provisioned concurrency": func(s *Service) {
			create(t, s, hello(t, slow))
			publish(t, s, "hello")
			if _, err := s.PutProvisionedConcurrency(t.Context(), "hello:1", 1); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the environment", func() bool {
				p, err := s.ProvisionedConcurrency("hello:1")
				if err != nil {
					t.Fatal(err)
				}
				return p.Status != "IN_PROGRESS"
			})
			if p, err := s.ProvisionedConcurrency("hello:1"); err != nil || p.Status != "READY" {
				t.Errorf("%+v %v", p, err)
			}
		},
	} {
		r := &recorder{}
		s := open(t, Config{Events: r.add, initTimeout: 200 * time.Millisecond})
		begin(s)
		if n := len(eventsOf[EnvironmentStarted](r)); n != 1 {
			t.Errorf("%s: %d processes were started for one environment", name, n)
		}
	}
}

func TestInitLimit(t *testing.T) {
	t.Parallel()
	f := &function{service: &Service{cfg: Config{initTimeout: 10 * time.Second}}}
	for _, c := range []struct {
		initType       string
		timeout        time.Duration
		retried, multi bool
		want           time.Duration
	}{
		{onDemand, 3 * time.Second, false, false, 10 * time.Second},
		{onDemand, 3 * time.Second, true, false, 3 * time.Second},
		{provisionedConcurrency, 3 * time.Second, false, false, 130 * time.Second},
		{provisionedConcurrency, 900 * time.Second, false, false, 900 * time.Second},
		{provisionedConcurrency, 3 * time.Second, true, false, 3 * time.Second},
		{"lambda-managed-instances", 3 * time.Second, false, true, 130 * time.Second},
		{"lambda-managed-instances", 200 * time.Second, true, true, 200 * time.Second},
	} {
		e := &environment{function: f, initType: c.initType, retried: c.retried, rev: &revision{cfg: Function{Timeout: c.timeout}}}
		if c.multi {
			e.managed = &managed{}
		}
		if got := e.initLimit(); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
