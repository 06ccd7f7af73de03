package gometrics

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A runtimeAPI is Lambda's, as far as a function without a deadline needs it: so many invocations,
// one after another, and then none.
//
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
type runtimeAPI struct {
	mu         sync.Mutex
	left       int
	responses  []string
	registered chan struct{}
	answered   chan struct{} // when none is left
}

func (a *runtimeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/extension/register"):
		w.Header().Set("Lambda-Extension-Identifier", "id")
		fmt.Fprint(w, "{}")
		close(a.registered)
	case strings.HasSuffix(path, "/invocation/next") && a.left > 0:
		a.left--
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", fmt.Sprint(a.left))
		w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()))
		fmt.Fprint(w, "{}")
	case strings.HasSuffix(path, "/response"):
		body, _ := io.ReadAll(r.Body) // what is missing fails the test
		a.responses = append(a.responses, string(body))
		w.WriteHeader(http.StatusAccepted)
		if a.left == 0 {
			close(a.answered)
		}
	default: // there is nothing more
		a.mu.Unlock()
		<-r.Context().Done()
		a.mu.Lock()
	}
}

// SpartaGrafana's program, with its one import changed: every greeting it counted is in the store.
func TestSpartaGrafana(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "bootstrap")
	if out, err := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", program, "./testdata/spartagrafana").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	store := new(storeStub)
	grafana := httptest.NewServer(store)
	defer grafana.Close()
	const invocations = 7
	api := &runtimeAPI{left: invocations, registered: make(chan struct{}), answered: make(chan struct{})}
	lambda := httptest.NewServer(api)
	defer lambda.Close()
	c := exec.Command(program)
	c.Env = append(os.Environ(), "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(lambda.URL, "http://"), "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_NAME=hello", "AWS_LAMBDA_LOG_STREAM_NAME=stream", "GRAFANA_HOST="+strings.TrimPrefix(grafana.URL, "http://"))
	var out strings.Builder
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- c.Wait() }()
	defer func() {
		_ = c.Process.Kill() // unless it has ended
	}()
	for _, happened := range []chan struct{}{api.registered, api.answered} {
		select {
		case <-happened:
		case err := <-exited:
			t.Fatalf("it ended: %v\n%s", err, &out)
		case <-time.After(time.Minute):
			t.Fatalf("it neither registered nor answered\n%s", &out)
		}
	}
	var points []string
	arrived := func() bool {
		points = nil
		for _, body := range store.sent() {
			if !strings.HasPrefix(body, "db=lambda&") {
				t.Errorf("written to another database: %q", body)
			}
			points = append(points, measured(body)...)
		}
		return slices.ContainsFunc(points, func(p string) bool {
			return strings.HasPrefix(p, "HelloWorld,function=hello,instance=stream,lambda=λ-") && strings.HasSuffix(p, fmt.Sprintf("total=%di", invocations))
		})
	}
	// Its ticker ticks every five seconds.
	for deadline := time.Now().Add(time.Minute); !arrived(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d greetings are not in the store: %q\n%s", invocations, points, &out)
		}
	}
	if len(api.responses) != invocations || api.responses[0] != `"Hello World"` {
		t.Errorf("it answered %q", api.responses)
	}
	if !slices.ContainsFunc(points, func(p string) bool { return strings.HasPrefix(p, "runtime.MemStats.Alloc,") }) {
		t.Errorf("nothing of the runtime is in the store: %q", points)
	}
}
