package cloudformation

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	waitHandleType    = "AWS::CloudFormation::WaitConditionHandle"
	waitConditionType = "AWS::CloudFormation::WaitCondition"
)

// SignalPath begins the paths of wait condition handles on the endpoint. What is asked under it
// belongs to ServeSignal.
const SignalPath = "/cloudformation-signal/"

// Bounds of what a handle takes: of one signal's body in bytes, and of the number of signals.
const (
	maxSignal  = 64 << 10
	maxSignals = 1000
)

// waits are the wait condition handles, by token.
type waits struct {
	endpoint func() string
	limit    time.Duration // of Restore

	mu      sync.Mutex
	handles map[string]*handle
}

// handle is what has been signalled to one wait condition handle since it was made or restored.
type handle struct {
	signals map[string]signal // successes, by UniqueId
	failure error
	changed chan struct{} // closed and made anew at each signal
}

// signal is what a host puts to a handle.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-waitcondition.html
type signal struct {
	Status   string
	UniqueID string `json:"UniqueId"`
	Data     string
	Reason   string
}

func newWaits(c Config) *waits {
	return &waits{endpoint: c.EndpointURL, limit: c.SignalWait, handles: map[string]*handle{}}
}

func (w *waits) providers() map[string]Provider {
	return map[string]Provider{waitHandleType: (*waitHandle)(w), waitConditionType: (*waitCondition)(w)}
}

// OwnTypes are the types that the service provides itself, to be looked at: they provide nothing.
func OwnTypes() map[string]Provider { return newWaits(Config{}).providers() }

// marker is the query of a handle's URL. It marks the URL as a presigned one, as AWS's is, which is
// how the endpoint tells a signal from a request that nobody has signed. It is no signature and
// proves nothing: what nobody can guess is the token, 122 random bits.
const marker = "?X-Amz-Signature=in-the-path"

func (w *waits) url(token string) string { return w.endpoint() + SignalPath + token + marker }

// open makes an empty handle.
func (w *waits) open(token string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.handles[token] = &handle{signals: map[string]signal{}, changed: make(chan struct{})}
}

func (w *waits) has(token string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.handles[token] != nil
}

func (w *waits) close(token string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.handles, token)
}

// put adds a signal and says whether the handle is there and did not have it: one that repeats a UniqueId
// is a retransmission and changes nothing.
func (w *waits) put(token string, s signal, failure error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := w.handles[token]
	if h == nil {
		return false
	}
	_, again := h.signals[s.UniqueID]
	fresh := false
	switch {
	case failure != nil && h.failure == nil:
		h.failure, fresh = failure, true
	case failure == nil && !again && len(h.signals) < maxSignals:
		h.signals[s.UniqueID], fresh = s, true
	}
	close(h.changed)
	h.changed = make(chan struct{})
	return fresh
}

// collect returns the successes once there are count of them, or what there is when limit has passed: late
// says so. A failure is an error.
func (w *waits) collect(ctx context.Context, token string, count int, limit time.Duration) (got map[string]signal, late bool, err error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		w.mu.Lock()
		h := w.handles[token]
		if h == nil {
			w.mu.Unlock()
			return nil, false, wordsf("the wait condition's handle is not there")
		}
		failure, changed := h.failure, h.changed
		got = maps.Clone(h.signals)
		w.mu.Unlock()
		if failure != nil || len(got) >= count {
			return got, false, failure
		}
		select {
		case <-changed:
		case <-timer.C:
			return got, true, nil
		case <-ctx.Done():
			return got, false, ctx.Err()
		}
	}
}

// ServeSignal takes what hosts put to the URLs of wait condition handles. Whoever knows the URL may
// signal, as with the presigned URLs of AWS; the token in its path is the secret.
func (s *Service) ServeSignal(w http.ResponseWriter, r *http.Request) {
	token, ok := strings.CutPrefix(r.URL.Path, SignalPath)
	if !ok || !s.waits.has(token) {
		http.Error(w, "no such wait condition handle", http.StatusNotFound)
		return
	}
	if r.Method != http.MethodPut {
		w.Header().Set("Allow", http.MethodPut)
		http.Error(w, "a wait condition is signalled with PUT", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSignal))
	if err != nil {
		http.Error(w, "the signal could not be read: "+err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	var sig signal
	var failure error
	switch err := json.Unmarshal(body, &sig); {
	case err != nil || sig.UniqueID == "" || sig.Status != "SUCCESS" && sig.Status != "FAILURE":
		failure = wordsf("Unparsable WaitCondition data")
	case sig.Status == "FAILURE":
		failure = wordsf("WaitCondition received failed message: '%s' for uniqueId: %s", sig.Reason, sig.UniqueID)
	}
	s.waits.put(token, sig, failure)
}

// tokenOf is the handle that a URL belongs to.
func tokenOf(rawURL string) (string, error) {
	u, err := url.Parse(rawURL)
	if err == nil {
		if _, token, ok := strings.Cut(u.Path, SignalPath); ok {
			return token, nil
		}
	}
	return "", wordsf("WaitCondition Handle is not the URL of a wait condition handle")
}

// waitHandle provides AWS::CloudFormation::WaitConditionHandle.
type waitHandle waits

func (h *waitHandle) Schema() Schema { return Schema{} }

func (h *waitHandle) Create(_ context.Context, r Request) (Resource, error) {
	(*waits)(h).open(r.Token)
	return Resource{PhysicalID: (*waits)(h).url(r.Token)}, nil
}

func (h *waitHandle) Update(_ context.Context, r Request) (Resource, error) {
	return Resource{PhysicalID: r.PhysicalID}, nil
}

func (h *waitHandle) Delete(_ context.Context, r Request) error {
	(*waits)(h).close(r.Token)
	return nil
}

// Restore opens the handle anew, under the endpoint's address of this start.
func (h *waitHandle) Restore(ctx context.Context, r Request) (Resource, error) {
	return h.Create(ctx, r)
}

// waitCondition provides AWS::CloudFormation::WaitCondition.
type waitCondition waits

func (c *waitCondition) Schema() Schema {
	all := []string{"Count", "Handle", "Timeout"}
	return Schema{Properties: all, Attributes: []string{"Data"}}
}

func (c *waitCondition) Create(ctx context.Context, r Request) (Resource, error) {
	return c.wait(ctx, r, 12*time.Hour)
}

func (c *waitCondition) wait(ctx context.Context, r Request, limit time.Duration) (Resource, error) {
	p := struct {
		Handle  string
		Timeout int
		Count   int
	}{Count: 1}
	if err := r.Decode(&p); err != nil {
		return Resource{}, err
	}
	resource := Resource{PhysicalID: r.StackID + "/" + r.LogicalID, Attributes: map[string]any{"Data": "{}"}}
	var missing []string
	for _, key := range []string{"Handle", "Timeout"} {
		if r.Properties[key] == nil {
			missing = append(missing, "#: required key ["+key+"] not found")
		}
	}
	switch {
	case r.policy && len(r.Properties) == 0:
		return resource, nil // its CreationPolicy says what it waits for
	case r.policy:
		return Resource{}, wordsf("a wait condition has a CreationPolicy or properties, and not both")
	case len(missing) > 0:
		return Resource{}, wordsf("Properties validation failed for resource %s with message:\n[%s]", r.LogicalID, strings.Join(missing, ", "))
	}
	token, err := tokenOf(p.Handle)
	if err != nil {
		return Resource{}, err
	}
	if p.Timeout < 1 || p.Timeout > 43200 {
		return Resource{}, wordsf("WaitCondition Timeout is %s; it must be from 1 to 43200 seconds", strconv.Itoa(p.Timeout))
	}
	got, late, err := (*waits)(c).collect(ctx, token, p.Count, min(limit, time.Duration(p.Timeout)*time.Second))
	if late {
		return Resource{}, wordsf("WaitCondition timed out. Received %d conditions when expecting %d", len(got), p.Count)
	}
	if err == nil {
		resource.Attributes["Data"], err = dataOf(got)
	}
	if err != nil {
		return Resource{}, err
	}
	return resource, nil
}

func (c *waitCondition) Update(context.Context, Request) (Resource, error) {
	return Resource{}, wordsf("Update to resource type %s is not supported.", waitConditionType)
}

func (c *waitCondition) Delete(context.Context, Request) error { return nil }

// Restore keeps the data that was signalled, unless a host on which the condition depends boots
// again: then it waits for what that host signals now.
func (c *waitCondition) Restore(ctx context.Context, r Request) (Resource, error) {
	if r.signals {
		return c.wait(ctx, r, c.limit)
	}
	return Resource{PhysicalID: r.PhysicalID, Attributes: r.Attributes}, nil
}
