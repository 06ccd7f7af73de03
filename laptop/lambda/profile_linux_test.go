package lambda

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ephor-io/ephor/internal/functiontest"
	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// profiledZip is the function of testdata/profiled.
func profiledZip(t *testing.T) []byte {
	t.Helper()
	zip, err := functiontest.Deployment("testdata/profiled", "ephor_profile")
	if err != nil {
		t.Fatal(err)
	}
	return zip
}

// tops is what go tool pprof makes of a profile.
func tops(t *testing.T, data []byte, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "profile.pb.gz")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", append(append([]string{"tool", "pprof", "-top", "-nodecount=1000"}, args...), path)...).CombinedOutput()
	if err != nil {
		t.Fatalf("go tool pprof: %v\n%s", err, out)
	}
	return string(out)
}

func isCode(err error, code string) bool {
	e, ok := errors.AsType[*awsproto.Error](err)
	return ok && e.Code == code
}

// A profile is had of an environment that is frozen, which then is frozen again, and of one at work; it
// names the function's own code.
func TestProfile(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t, func(in *FunctionInput) { in.Code = Code{ZipFile: profiledZip(t)} }))
	profile := func(kind string, d time.Duration) (ProfileOutput, error) {
		return s.Profile(t.Context(), ProfileInput{Function: "hello", Kind: kind, Duration: d})
	}
	if _, err := profile("heap", 0); !isCode(err, "ResourceNotFoundException") {
		t.Errorf("before there is an environment: %v", err)
	}
	pid := pidOf(t, call(t, s, `{}`))
	frozen := func() bool { return processState(pid) == 'T' }
	eventually(t, "the freeze", frozen)
	for kind, want := range map[string]string{"heap": "main.keep", "allocs": "main.keep", "goroutine": "function.(*profiler).run", "threadcreate": "threadcreate", "block": "delay", "mutex": "delay"} {
		out, err := profile(kind, time.Millisecond)
		if err != nil || !strings.Contains(out.Instance, "[$LATEST]") || out.Invocations != 0 {
			t.Errorf("%s: %q, %d invocations, %v", kind, out.Instance, out.Invocations, err)
			continue
		}
		if text := tops(t, out.Data); !strings.Contains(text, want) {
			t.Errorf("%s: %q is not in\n%s", kind, want, text)
		}
		eventually(t, "the freeze after "+kind, frozen)
	}
	if _, err := profile("nonsense", 0); !isCode(err, "ProfileFailed") || !strings.Contains(err.Error(), "there is no profile nonsense") {
		t.Errorf("of no kind: %v", err)
	}

	// While CPU is recorded, it is frozen between invocations as always.
	for range 5 { // on a busy machine a profile may come without a single sample
		done := make(chan struct{})
		var out ProfileOutput
		var err error
		go func() {
			defer close(done)
			out, err = profile("cpu", 3*time.Second)
		}()
		sawFrozen := false
		for calls, under := 0, true; under; calls++ {
			call(t, s, `{"ms":60}`)
			if calls%3 == 0 {
				eventually(t, "the freeze between invocations", frozen)
				sawFrozen = true
			}
			select {
			case <-done:
				under = false
			default:
			}
		}
		if err != nil || out.Invocations == 0 || !sawFrozen {
			t.Fatalf("%d invocations, seen frozen: %v; %v", out.Invocations, sawFrozen, err)
		}
		if text := tops(t, out.Data); strings.Contains(text, "main.burn") {
			return
		} else {
			t.Logf("no sample of main.burn:\n%s", text)
		}
	}
	t.Error("main.burn is in no profile")
}

// What is refused, and what an end in the midst leaves behind.
func TestProfileRefusals(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t))
	call(t, s, `{}`)
	if _, err := s.Profile(t.Context(), ProfileInput{Function: "hello", Kind: "heap"}); !isCode(err, "ProfileNotAvailable") {
		t.Errorf("of a program without the tag: %v", err)
	}
	if _, err := s.Profile(t.Context(), ProfileInput{Function: "nobody", Kind: "heap"}); !isCode(err, "ResourceNotFoundException") {
		t.Errorf("of a function that is not there: %v", err)
	}
	if _, err := s.Profile(t.Context(), ProfileInput{Function: "hello", Kind: "cpu", Duration: 2 * time.Hour}); !isCode(err, "InvalidParameterValueException") {
		t.Errorf("for two hours: %v", err)
	}

	create(t, s, hello(t, func(in *FunctionInput) { in.Name, in.Code = "profiled", Code{ZipFile: profiledZip(t)} }))
	invoke := func() {
		t.Helper()
		if out, err := s.Invoke(t.Context(), InvokeInput{Function: "profiled", Payload: []byte(`{}`)}); err != nil || out.FunctionError != "" {
			t.Fatalf("%+v, %v", out, err)
		}
	}
	invoke()
	if _, err := s.Profile(t.Context(), ProfileInput{Function: "profiled", Instance: "nothing", Kind: "heap"}); !isCode(err, "ResourceNotFoundException") {
		t.Errorf("of an environment that is not there: %v", err)
	}
	// Whoever gives up in the midst leaves the environment ready for another profile.
	ended := make(chan error, 1)
	long := func(ctx context.Context) {
		for {
			_, err := s.Profile(ctx, ProfileInput{Function: "profiled", Kind: "cpu", Duration: time.Hour})
			if !isCode(err, "ResourceConflictException") { // it met the look of the test
				ended <- err
				return
			}
		}
	}
	underWay := func() {
		t.Helper()
		eventually(t, "a second profile is refused for long", func() bool {
			for range 3 {
				if _, err := s.Profile(t.Context(), ProfileInput{Function: "profiled", Kind: "threadcreate"}); !isCode(err, "ResourceConflictException") {
					return false
				}
				sleepABit()
			}
			return true
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	go long(ctx)
	underWay()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the profile that was given up: %v", err)
	}
	out, err := s.Profile(t.Context(), ProfileInput{Function: "profiled", Kind: "cpu", Duration: time.Millisecond})
	if err != nil || !bytes.HasPrefix(out.Data, []byte{0x1f, 0x8b}) {
		t.Errorf("the next one: %v", err)
	}
	// Over the wire it is told when a recording has begun, and only then.
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.serveProfile(w, r, "profiled"); err != nil {
			w.WriteHeader(http.StatusConflict)
		}
	}))
	defer server.Close()
	ask := func(body string) (told []int) {
		t.Helper()
		trace := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, _ textproto.MIMEHeader) error {
			told = append(told, code)
			return nil
		}})
		r, err := http.NewRequestWithContext(trace, http.MethodPost, server.URL, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		return append(told, response.StatusCode)
	}
	for body, want := range map[string][]int{`{"Kind": "cpu", "Seconds": 0.01}`: {102, 200}, `{"Kind": "heap"}`: {200}, `{"Kind": "cpu", "Instance": "nothing", "Seconds": 0.01}`: {409}} {
		if got := ask(body); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", body, got, want)
		}
	}
	// One whose environment ends in the midst fails, and says so.
	go long(t.Context())
	underWay()
	s.SpinDown()
	if err := <-ended; !isCode(err, "ProfileFailed") || !strings.Contains(err.Error(), "has ended meanwhile") {
		t.Errorf("the profile of what has ended: %v", err)
	}
}
