package cloudformation

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudformation"
)

// fixture is a Service over HTTP with the client that AWS publishes.
type fixture struct {
	*testing.T
	service *Service
	memory  *memory
	client  *sdk.Client
	config  Config
	url     string
	stop    func()

	mu     sync.Mutex
	events []Event
	news   chan struct{} // one token once there is an event
}

func start(t *testing.T, change ...func(*Config)) *fixture {
	t.Helper()
	f := &fixture{T: t, memory: newMemory(), news: make(chan struct{}, 1)}
	f.config = Config{
		Dir:       t.TempDir(),
		Providers: map[string]Provider{thingType: f.memory, "AWS::IAM::Role": like{f.memory, Schema{Properties: []string{"AssumeRolePolicyDocument", "RoleName"}}}},
		Secrets:   vault{}, Parameters: vault{},
		EndpointURL: func() string { return f.url },
		Events: func(e Event) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.events = append(f.events, e)
			select {
			case f.news <- struct{}{}:
			default:
			}
		},
	}
	for _, c := range change {
		c(&f.config)
	}
	f.open()
	t.Cleanup(func() { f.stop() })
	return f
}

// open starts the Service over what is in its folder.
func (f *fixture) open() {
	f.Helper()
	s, err := Open(f.config)
	if err != nil {
		f.Fatal(err)
	}
	server := httptest.NewServer(s)
	f.service, f.url = s, server.URL
	f.stop = sync.OnceFunc(func() {
		server.Close()
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := s.Close(ctx); err != nil {
			f.Error(err)
		}
	})
	f.client = sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

// again stops the Service in the middle of whatever it does and starts it anew.
func (f *fixture) again() {
	f.Helper()
	f.stop()
	f.open()
}

// settle waits until the stack is at rest and returns its status.
func (f *fixture) settle(nameOrID string) string {
	f.Helper()
	for {
		f.service.mu.RLock()
		st := f.service.find(nameOrID)
		status := ""
		if st != nil {
			status = st.Status
		}
		f.service.mu.RUnlock()
		if !moving(status) {
			return status
		}
		select {
		case <-f.news:
		case <-f.Context().Done():
			f.Fatalf("stack %s is still %s", nameOrID, status)
		}
	}
}

// create makes a stack and waits for it.
func (f *fixture) create(name, template string, params ...string) string {
	f.Helper()
	if _, err := f.client.CreateStack(f.Context(), &sdk.CreateStackInput{
		StackName: &name, TemplateBody: &template, Parameters: parametersOf(params),
	}); err != nil {
		f.Fatal(err)
	}
	return f.settle(name)
}

// update changes a stack and waits for it.
func (f *fixture) update(name, template string, params ...string) string {
	f.Helper()
	if _, err := f.client.UpdateStack(f.Context(), &sdk.UpdateStackInput{
		StackName: &name, TemplateBody: &template, Parameters: parametersOf(params),
	}); err != nil {
		f.Fatal(err)
	}
	return f.settle(name)
}

// remove deletes a stack and waits for it.
func (f *fixture) remove(name string) string {
	f.Helper()
	id := name
	f.service.mu.RLock()
	if st := f.service.find(name); st != nil {
		id = st.ID
	}
	f.service.mu.RUnlock()
	if _, err := f.client.DeleteStack(f.Context(), &sdk.DeleteStackInput{StackName: &name}); err != nil {
		f.Fatal(err)
	}
	return f.settle(id)
}

// outputs are a stack's outputs.
func (f *fixture) outputs(name string) map[string]string {
	f.Helper()
	got, err := f.client.DescribeStacks(f.Context(), &sdk.DescribeStacksInput{StackName: &name})
	if err != nil {
		f.Fatal(err)
	}
	out := map[string]string{}
	for _, o := range got.Stacks[0].Outputs {
		out[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	return out
}

// reason is a stack's status reason.
func (f *fixture) reason(name string) string {
	f.Helper()
	got, err := f.client.DescribeStacks(f.Context(), &sdk.DescribeStacksInput{StackName: &name})
	if err != nil {
		f.Fatal(err)
	}
	return aws.ToString(got.Stacks[0].StackStatusReason)
}

// trace is the events of a stack in their order, as "LOGICAL STATUS reason".
func (f *fixture) trace(stackName string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var lines []string
	for _, e := range f.events {
		if e.StackName != stackName {
			continue
		}
		line := e.LogicalID + " " + e.Status
		if e.Reason != "" {
			line += " " + e.Reason
		}
		lines = append(lines, line)
	}
	return lines
}

var errOnPurpose = errors.New("on purpose")

// before says whether a comes before b in list.
func before(list []string, a, b string) bool {
	i, j := slices.Index(list, a), slices.Index(list, b)
	return i >= 0 && j >= 0 && i < j
}

// until waits until all of what has been begun.
func (f *fixture) until(what ...string) {
	f.Helper()
	for {
		if !slices.ContainsFunc(what, func(w string) bool { return !f.memory.begun(w) }) {
			return
		}
		select {
		case <-f.Context().Done():
			f.Fatalf("%v is not begun", what)
		case <-time.After(time.Millisecond):
		}
	}
}

// id is the ID of the newest stack of a name.
func (f *fixture) id(name string) string {
	f.service.mu.RLock()
	defer f.service.mu.RUnlock()
	for _, st := range f.service.sorted(func(st *stack) bool { return st.Name == name }) {
		return st.ID
	}
	f.Fatalf("there is no stack %s", name)
	return ""
}

// refuse makes a call, given by names and values in turn, and expects an error whose message ends
// in or begins with want.
func (f *fixture) refuse(action, code, want string, pairs ...string) {
	f.Helper()
	form := url.Values{"Action": {action}, "Version": {version}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	resp, err := http.PostForm(f.url, form)
	if err != nil {
		f.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		f.Fatal(err)
	}
	var answer struct {
		Error struct{ Code, Message string }
	}
	if err := xml.Unmarshal(body, &answer); err != nil {
		f.Fatalf("%s: %v in %s", action, err, body)
	}
	got := answer.Error
	if got.Code != code || !strings.HasPrefix(got.Message, want) && !strings.HasSuffix(got.Message, want) {
		f.Errorf("%s %v:\ngot  %s: %s\nwant %s: %s\n%s", action, pairs, got.Code, got.Message, code, want, body)
	}
}

// post makes a call that succeeds and returns its answer.
func (f *fixture) post(action string, pairs ...string) string {
	f.Helper()
	form := url.Values{"Action": {action}, "Version": {version}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	resp, err := http.PostForm(f.url, form)
	if err != nil {
		f.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		f.Fatalf("%s: %d %v %s", action, resp.StatusCode, err, body)
	}
	return string(body)
}

// forget drops the events so far.
func (f *fixture) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = nil
}

// eventually waits until there is an event "LOGICAL STATUS…" in any stack.
func (f *fixture) eventually(line string) {
	f.Helper()
	for {
		f.mu.Lock()
		found := slices.ContainsFunc(f.events, func(e Event) bool { return e.LogicalID+" "+e.Status == line })
		f.mu.Unlock()
		if found {
			return
		}
		select {
		case <-f.news:
		case <-f.Context().Done():
			f.Fatalf("there is no event %q", line)
		}
	}
}

func (f *fixture) status(name string) string {
	f.service.mu.RLock()
	defer f.service.mu.RUnlock()
	return f.service.find(name).Status
}
