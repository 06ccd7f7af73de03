package load

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/ephor-io/ephor/line"
)

// Store is where the points go: whatever takes line protocol at /write.
type Store struct {
	// URL is the store's, e.g. http://127.0.0.1:8086.
	URL string
	// Database is the name of the database there.
	Database string
	// Token is sent as Basic credentials if it reads user:password, and else as a token; "" sends none.
	Token string
	// TLS is how a store with https is trusted; nil means as the machine does.
	TLS *tls.Config

	transport http.RoundTripper
}

// How hard a writer tries. What cannot be written in about a minute is lost.
const (
	maxBatches  = 60 // that wait, one each second
	maxAttempts = 15
	writeWithin = 2 * time.Second
	firstPause  = 250 * time.Millisecond
	longPause   = 5 * time.Second
	closeWithin = 3 * time.Second
)

// A writer writes points to a store from a goroutine of its own. Nothing that it is asked for
// waits for the store. Without a store it does nothing.
type writer struct {
	url     string
	token   string
	client  *http.Client
	trouble func(Event)

	batch   batch // what is not flushed yet: of the collector
	batches chan batch
	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex
	points  Points
	failing bool // since the last success
}

type batch struct {
	lines  []byte
	points int
}

func openWriter(s Store, trouble func(Event)) (*writer, error) {
	w := &writer{token: s.Token, trouble: trouble, batches: make(chan batch, maxBatches)}
	if s.URL == "" {
		return w, nil
	}
	u, err := url.Parse(s.URL)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || s.Database == "" {
		return nil, fmt.Errorf("store: %q with the database %q: it takes an http or https URL and the name of a database", s.URL, s.Database)
	}
	u = u.JoinPath("write")
	u.RawQuery = url.Values{"db": {s.Database}, "precision": {"ns"}}.Encode()
	w.url = u.String()
	w.client = &http.Client{Transport: s.transport, Timeout: writeWithin}
	if s.transport == nil {
		w.client.Transport = &http.Transport{TLSClientConfig: s.TLS, Proxy: http.ProxyFromEnvironment, MaxConnsPerHost: 1}
	}
	w.ctx, w.stop = context.WithCancel(context.Background())
	w.running.Go(w.run)
	return w, nil
}

// write adds a point to the batch.
func (w *writer) write(series line.Series, s Second) {
	if w.url == "" {
		return
	}
	lines, err := series.Append(w.batch.lines, s.Start, s.fields()...)
	if err != nil {
		w.failed(1, err)
		return
	}
	w.batch.lines = lines
	w.batch.points++
}

// flush sends the batch on its way.
func (w *writer) flush() {
	if w.batch.points == 0 {
		return
	}
	select {
	case w.batches <- w.batch:
	default:
		w.failed(w.batch.points, errors.New("too many points wait for the store"))
	}
	w.batch = batch{}
}

// close gives the store a few seconds for what is left.
func (w *writer) close() Points {
	close(w.batches)
	if w.url != "" {
		giveUp := time.AfterFunc(closeWithin, w.stop)
		w.running.Wait()
		giveUp.Stop()
		w.stop()
		w.client.CloseIdleConnections()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.points
}

func (w *writer) run() {
	for b := range w.batches {
		if err := w.deliver(b); err != nil {
			w.failed(b.points, err)
		} else {
			w.wrote(b.points)
		}
	}
}

func (w *writer) wrote(points int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.points.Written += int64(points)
	w.failing = false
}

// failed counts points that are lost, and tells of the first failure after a success.
func (w *writer) failed(lost int, err error) {
	w.mu.Lock()
	tell := !w.failing
	w.failing = true
	w.points.Lost += int64(lost)
	w.mu.Unlock()
	if tell {
		w.trouble(StoreTrouble{Err: fmt.Errorf("writing the load's points: %w", err)})
	}
}

// deliver tries until a batch is written, is refused for good, or has been tried often enough.
func (w *writer) deliver(b batch) error {
	pause := firstPause
	for attempt := 1; ; attempt++ {
		err := w.post(b.lines)
		var refused *refusal
		if err == nil || errors.As(err, &refused) || attempt == maxAttempts || w.ctx.Err() != nil {
			return err
		}
		w.failed(0, err)
		select {
		case <-time.After(pause):
		case <-w.ctx.Done():
			return err
		}
		pause = min(2*pause, longPause)
	}
}

// A refusal is an answer that another attempt will not change.
type refusal struct{ status, body string }

func (r *refusal) Error() string { return fmt.Sprintf("the store answers %s: %s", r.status, r.body) }

func (w *writer) post(lines []byte) error {
	req, err := http.NewRequestWithContext(w.ctx, http.MethodPost, w.url, bytes.NewReader(lines))
	if err != nil {
		return err
	}
	if user, password, ok := strings.Cut(w.token, ":"); ok {
		req.SetBasicAuth(user, password)
	} else if w.token != "" {
		req.Header.Set("Authorization", "Token "+w.token)
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1024))
	switch {
	case resp.StatusCode/100 == 2:
		return nil
	case err != nil:
		return err
	case resp.StatusCode/100 == 5, resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode == http.StatusRequestTimeout:
		return fmt.Errorf("the store answers %s: %s", resp.Status, bytes.TrimSpace(body))
	}
	return &refusal{resp.Status, string(bytes.TrimSpace(body))}
}

// fields are those of a point of the measurement `load`: the second's counts and, where there
// were requests to take them of, the times in milliseconds.
func (s Second) fields() []line.Field {
	f := []line.Field{
		line.Int("asked", s.Asked), line.Int("sent", s.Sent), line.Int("ok", s.OK), line.Int("failed", s.Failed),
	}
	add := func(prefix string, t Times, some bool) {
		if some {
			f = append(f, line.Float(prefix+"p50_ms", t.P50), line.Float(prefix+"p90_ms", t.P90),
				line.Float(prefix+"p99_ms", t.P99), line.Float(prefix+"p999_ms", t.P999), line.Float(prefix+"max_ms", t.Max))
		}
	}
	add("", s.Times, s.OK+s.Failed > s.Reasons[reasonWaiting])
	add("service_", s.Service, s.OK+s.Failed > 0 && s.Service != Times{})
	add("lag_", s.Lag, s.Sent > 0)
	return f
}
