package page

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/influxdata/influxql"
)

// proxy hands queries on to the store and its answers back.
type proxy struct {
	store    func() string
	database string
	timeout  time.Duration
	client   *http.Client
}

func newProxy(c Config) *proxy {
	return &proxy{
		store:    c.Store,
		database: c.Database,
		timeout:  c.Timeout,
		client: &http.Client{
			Transport:     c.Transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// maxQuery bounds the statements of one request, in bytes.
const maxQuery = 64 << 10

func (p *proxy) query(w http.ResponseWriter, r *http.Request) {
	form := r.URL.Query()
	q := form.Get("q")
	switch db := form.Get("db"); {
	case len(q) > maxQuery:
		writeError(w, http.StatusRequestURITooLong, fmt.Sprintf("the query has %d bytes; %d are allowed", len(q), maxQuery))
		return
	case db != "" && db != p.database:
		writeError(w, http.StatusForbidden, fmt.Sprintf("the page queries the database %q alone", p.database))
		return
	}
	if err := reads(q); err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	base := p.store()
	if base == "" {
		writeError(w, http.StatusServiceUnavailable, "there is no store yet")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), p.timeout)
	defer cancel()
	if err := p.forward(ctx, w, base, url.Values{"db": {p.database}, "q": {q}, "epoch": {epoch(form)}}); err != nil {
		// What net/http makes of an error repeats the whole query.
		var inner *url.Error
		if errors.As(err, &inner) {
			err = inner.Err
		}
		switch {
		case r.Context().Err() != nil:
		case errors.Is(err, context.DeadlineExceeded):
			writeError(w, http.StatusGatewayTimeout, fmt.Sprintf("the store at %s did not answer within %v", base, p.timeout))
		default:
			writeError(w, http.StatusBadGateway, fmt.Sprintf("the store at %s does not answer: %v", base, err))
		}
	}
}

// forward returns an error only while nothing has been written to w.
func (p *proxy) forward(ctx context.Context, w http.ResponseWriter, base string, form url.Values) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(base, "/")+"/query?"+form.Encode(), nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(resp.StatusCode)
	if _, err := io.Copy(w, resp.Body); err != nil {
		// Half an answer is out. Cutting the connection is the one way left to say so.
		panic(http.ErrAbortHandler)
	}
	return nil
}

func epoch(form url.Values) string {
	if e := form.Get("epoch"); e != "" {
		return e
	}
	return "ms"
}

// reads refuses all but SELECT and SHOW. The store cannot be left to do it: InfluxDB 1.x
// executes a DROP that comes by GET and merely calls it deprecated.
func reads(q string) error {
	parsed, err := influxql.ParseQuery(q)
	if err != nil {
		return fmt.Errorf("parsing the query: %w", err)
	}
	if len(parsed.Statements) == 0 {
		return errors.New("the query is empty: say what in the parameter q")
	}
	for _, s := range parsed.Statements {
		if s, ok := s.(*influxql.SelectStatement); ok && s.Target == nil {
			continue
		}
		if name := strings.ToUpper(s.String()); strings.HasPrefix(name, "SHOW ") {
			continue
		}
		return fmt.Errorf("the page only reads, with SELECT and SHOW: it does not pass on %q", s)
	}
	return nil
}
