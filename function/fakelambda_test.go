package function

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// A fakeLambda is one execution environment: the Runtime API and the Extensions API, and this test
// binary run again as the function. Like Lambda it sends an invocation only when runtime and
// extension have both asked for their next event, and is frozen in between (without freezing).
//
//	https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
type fakeLambda struct {
	t       *testing.T
	server  *httptest.Server
	cmd     *exec.Cmd
	log     strings.Builder // the function's; complete when it has exited
	exited  chan struct{}
	steps   *steps
	timeout time.Duration

	mu         sync.Mutex
	changed    *sync.Cond
	registered string // the events asked for
	late       bool   // registered after the runtime had asked for an invocation
	extension  bool
	runtimeIn  bool // the runtime waits for an invocation
	extIn      bool // the extension waits for an event
	toRuntime  chan invocation
	toExt      chan invocation
	answers    chan answer
	began      chan struct{} // a handler that was asked to tells that it runs
	count      int
}

type invocation struct {
	id       string
	payload  string
	deadline time.Time
	headers  map[string]string
}

type answer struct {
	id, kind, body, contentType string
}

// steps is what happened in which order.
type steps struct {
	mu   sync.Mutex
	list []string
}

func (s *steps) add(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, fmt.Sprintf(format, args...))
}

func (s *steps) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.list, ", ")
}

// order is the steps without the runtime's asking for its next invocation, which it does when it
// likes; all else has an order.
func (l *fakeLambda) order() (steps []string) {
	l.steps.mu.Lock()
	defer l.steps.mu.Unlock()
	for _, step := range l.steps.list {
		if step != "runtime next" {
			steps = append(steps, step)
		}
	}
	return steps
}

// startLambda starts an environment for one of the functions of this test binary.
func startLambda(t *testing.T, handler string, st *fakeStore, env ...string) *fakeLambda {
	t.Helper()
	l := &fakeLambda{
		t: t, steps: &steps{}, timeout: 10 * time.Second, exited: make(chan struct{}),
		toRuntime: make(chan invocation), toExt: make(chan invocation), answers: make(chan answer, 16),
		began: make(chan struct{}, 16),
	}
	l.changed = sync.NewCond(&l.mu)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", l.runtimeNext)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/{kind}", l.answer)
	mux.HandleFunc("POST /2020-01-01/extension/register", l.register)
	mux.HandleFunc("GET /2020-01-01/extension/event/next", l.extensionNext)
	mux.HandleFunc("GET /began", func(http.ResponseWriter, *http.Request) { l.began <- struct{}{} })
	l.server = httptest.NewServer(mux)

	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	l.cmd = exec.Command(self)
	l.cmd.Stderr = &l.log
	l.cmd.Env = append([]string{
		asFunction + "=1",
		"_HANDLER=" + handler,
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(l.server.URL, "http://"),
		"AWS_LAMBDA_FUNCTION_NAME=Stack-" + handler,
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_LOG_STREAM_NAME=2026/11/22/[$LATEST]0123",
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
	}, env...)
	if st != nil {
		st.steps = l.steps
		l.cmd.Env = append(l.cmd.Env, "EPHOR_STORE_URL="+st.server.URL, "EPHOR_STORE_DATABASE=ephor", "EPHOR_STORE_TOKEN=writer:secret")
	}
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = l.cmd.Wait() // its status is read from cmd.ProcessState
		close(l.exited)
		l.changed.Broadcast()
	}()
	t.Cleanup(func() {
		_ = l.cmd.Process.Kill() // where the test has not ended it
		<-l.exited
		l.server.CloseClientConnections()
		l.server.Close()
		if t.Failed() {
			t.Logf("steps: %v\nlog of the function:\n%s", l.steps, l.log.String())
		}
	})
	return l
}

func (l *fakeLambda) register(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	l.mu.Lock()
	l.registered, l.extension, l.late = string(body), true, l.runtimeIn
	l.mu.Unlock()
	w.Header().Set("Lambda-Extension-Identifier", "id-of-"+r.Header.Get("Lambda-Extension-Name"))
	fmt.Fprint(w, `{"functionName":"f"}`)
}

func (l *fakeLambda) wait(r *http.Request, in *bool, c chan invocation) (invocation, bool) {
	l.mu.Lock()
	*in = true
	l.changed.Broadcast()
	l.mu.Unlock()
	select {
	case inv := <-c:
		return inv, true
	case <-r.Context().Done():
		return invocation{}, false
	}
}

func (l *fakeLambda) runtimeNext(w http.ResponseWriter, r *http.Request) {
	l.steps.add("runtime next")
	inv, ok := l.wait(r, &l.runtimeIn, l.toRuntime)
	if !ok {
		return
	}
	h := w.Header()
	h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
	h.Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(inv.deadline.UnixMilli()))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:f")
	for name, value := range inv.headers {
		h.Set(name, value)
	}
	fmt.Fprint(w, inv.payload)
}

func (l *fakeLambda) extensionNext(w http.ResponseWriter, r *http.Request) {
	l.steps.add("extension next")
	if r.Header.Get("Lambda-Extension-Identifier") != "id-of-ephor" {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	inv, ok := l.wait(r, &l.extIn, l.toExt)
	if !ok {
		return
	}
	fmt.Fprintf(w, `{"eventType":"INVOKE","deadlineMs":%d,"requestId":%q}`, inv.deadline.UnixMilli(), inv.id)
}

func (l *fakeLambda) answer(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	kind := r.PathValue("kind")
	if r.Trailer.Get("Lambda-Runtime-Function-Error-Type") != "" {
		kind = "broken " + kind
	}
	l.steps.add("%s", kind)
	w.WriteHeader(http.StatusAccepted)
	l.answers <- answer{r.PathValue("id"), kind, string(body), r.Header.Get("Content-Type")}
}

// frozen waits until nothing moves in the environment any more.
func (l *fakeLambda) frozen() {
	l.t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for !l.runtimeIn || l.extension && !l.extIn {
		select {
		case <-l.exited:
			l.t.Fatalf("the function has exited: %v", l.cmd.ProcessState)
		default:
		}
		l.changed.Wait()
	}
}

// send sends an invocation and does not wait for its end.
func (l *fakeLambda) send(payload string, headers map[string]string) invocation {
	l.t.Helper()
	l.frozen()
	l.mu.Lock()
	l.count++
	inv := invocation{fmt.Sprintf("request-%d", l.count), payload, time.Now().Add(l.timeout), headers}
	l.runtimeIn = false
	tellExt := l.extension && strings.Contains(l.registered, "INVOKE")
	if tellExt {
		l.extIn = false
	}
	l.mu.Unlock()
	l.steps.add("invoke")
	if tellExt {
		l.toExt <- inv
	}
	l.toRuntime <- inv
	return inv
}

// invoke sends an invocation and returns its answer as soon as the runtime has posted it.
func (l *fakeLambda) invoke(payload string) answer {
	l.t.Helper()
	l.send(payload, nil)
	return l.answered()
}

func (l *fakeLambda) answered() answer {
	l.t.Helper()
	select {
	case a := <-l.answers:
		return a
	case <-l.exited:
		// What it posted before it ended counts.
		select {
		case a := <-l.answers:
			return a
		default:
			l.t.Fatalf("the function has exited without an answer: %v", l.cmd.ProcessState)
		}
	case <-time.After(time.Minute):
		l.t.Fatal("no answer")
	}
	panic("unreachable")
}

// sendAndBegin sends an invocation of Hello that takes a minute, and returns when it runs.
func (l *fakeLambda) sendAndBegin() invocation {
	l.t.Helper()
	inv := l.send(fmt.Sprintf(`{"sleep_ms":60000,"began":%q}`, l.server.URL+"/began"), nil)
	select {
	case <-l.began:
	case <-l.exited:
		l.t.Fatalf("the function has exited: %v", l.cmd.ProcessState)
	}
	return inv
}

// stop sends a signal and waits for the end of the process.
func (l *fakeLambda) stop(s os.Signal) {
	l.t.Helper()
	if err := l.cmd.Process.Signal(s); err != nil {
		l.t.Fatal(err)
	}
	<-l.exited
}
