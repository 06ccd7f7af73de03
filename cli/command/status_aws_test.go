package command

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/internal/cloudwatchtest"
	"github.com/ephor-io/ephor/internal/proxytest"
	"github.com/ephor-io/ephor/loss"
)

// status --target aws finds the store through the stacks, accounts by the logs, and compares with
// CloudWatch: here the laptop is AWS, but for CloudWatch, which has counted one invocation more than there
// were and, in the time for which it has all counts, one that the store lacks.
func TestStatusOnAWS(t *testing.T) {
	app, source := hello()
	s, _ := tapped(t, app, source)
	send(t, s, "1s@5")
	if n, err := s.settled(t.Context(), &store{url: s.addresses.Store, database: storeDatabase, client: s.client}); err != nil || n != 5 {
		t.Fatalf("%d recorded (%v)", n, err)
	}
	u, err := url.Parse(s.addresses.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	stand, laptop := &cloudwatchtest.Server{}, proxytest.New(u)
	const function = "SpartaGrafana-HelloWorld"
	stand.Add("AWS/Lambda", "Invocations", "FunctionName", function, time.Now().Add(-10*time.Minute), 1)
	stand.Add("AWS/Lambda", "Invocations", "FunctionName", function, time.Now(), 5)
	var garbled atomic.Int64 // the status of an answer that is none of CloudWatch's
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch status := garbled.Load(); {
		case r.URL.Path != cloudwatchtest.Path:
		case status == 0:
			stand.ServeHTTP(w, r)
			return
		default:
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(int(status))
			_, _ = io.WriteString(w, `{"message": "{service} has no operation GetMetricData"}`)
			return
		}
		laptop.ServeHTTP(w, r)
	}))
	defer server.Close()
	for name, value := range map[string]string{"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "eu-central-1", "AWS_PROFILE": "",
		"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"} {
		t.Setenv(name, value)
	}

	run := func(args ...string) string {
		t.Helper()
		var stdout, stderr strings.Builder
		p := &program{app: app, stdout: &stdout, stderr: &stderr, state: t.TempDir()}
		if status := p.run(t.Context(), append([]string{"status", "--target", "aws"}, args...)); status != 0 {
			t.Fatalf("status %d: %s", status, &stderr)
		}
		return stdout.String()
	}
	var r struct {
		Served, Recorded int64
		CloudWatch       counted
		Stacks           []struct{ Status string }
		Health           health
	}
	if err := json.Unmarshal([]byte(run("--since", "30m", "--json")), &r); err != nil {
		t.Fatal(err)
	}
	if r.Served != 5 || r.Recorded != 5 || len(r.Stacks) != 2 || r.Stacks[0].Status != "CREATE_COMPLETE" {
		t.Errorf("%+v", r)
	}
	// The laptop's page is no Grafana.
	if h := r.Health; h.Verdict != unhealthy || h.Machine.State != "running" || h.Store.Verdict != healthy || !strings.HasPrefix(h.Why, "Grafana answers 404 Not Found") {
		t.Errorf("health: %+v, store %+v", h, h.Store)
	}
	if diff := cmp.Diff([]loss.Count{{Function: function, Invoked: 1}}, r.CloudWatch.Functions); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	text := run("--since", "30m")
	for _, want := range []string{"\nmonitoring host: unhealthy (Grafana answers", "recorded 5 of 5 invocations", "by CloudWatch, of what began from ", function + "  1        0         1"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if text := run("--since", "2m"); !strings.Contains(text, "CloudWatch has counted nothing of that yet") {
		t.Error(text)
	}
	for _, status := range []int64{200, 404} {
		garbled.Store(status)
		text = run("--since", "30m")
		if !strings.Contains(text, "note: CloudWatch could not be asked how often Lambda invoked the functions: what answers at its address does not speak its protocol") ||
			!strings.Contains(text, "recorded 5 of 5 invocations") || strings.Contains(text, "by CloudWatch") {
			t.Errorf("%d: %s", status, text)
		}
	}
}
