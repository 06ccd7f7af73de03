package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/ephor-io/ephor/loss"
)

// store asks InfluxQL questions of a store, over HTTP like everybody else.
//
// https://docs.influxdata.com/influxdb/v1/tools/api/#query-http-endpoint
type store struct {
	url      string
	database string
	client   *http.Client
	// authorization is the header of that name; "" for none.
	authorization string
	// remedy is what helps where nobody answers; "" where nothing is known to.
	remedy string
}

// query runs one statement. A measurement that is not there is no series.
// An answer that breaks off is asked for twice more: some [proxies before a store] do that now and then, and a question changes nothing.
//
// [proxies before a store]: https://github.com/caddyserver/caddy/issues/5431
func (s *store) query(ctx context.Context, influxQL string) ([]loss.Series, error) {
	for left := 2; ; left-- {
		series, err := s.ask(ctx, influxQL)
		if left == 0 || ctx.Err() != nil || !errors.Is(err, io.ErrUnexpectedEOF) {
			return series, err
		}
	}
}

func (s *store) ask(ctx context.Context, influxQL string) ([]loss.Series, error) {
	form := url.Values{"db": {s.database}, "q": {influxQL}, "epoch": {"ns"}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/query", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("asking the store: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if s.authorization != "" {
		r.Header.Set("Authorization", s.authorization)
	}
	response, err := s.client.Do(r)
	if err != nil {
		err = fmt.Errorf("asking the store: %w", err)
		var unreachable net.Error
		if s.remedy != "" && ctx.Err() == nil && errors.As(err, &unreachable) {
			return nil, hinted(err, s.remedy)
		}
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusUnauthorized || response.StatusCode == http.StatusForbidden {
		return nil, hinted(fmt.Errorf("asking the store: %s", response.Status), "EPHOR_STORE_TOKEN=user:password, of one who may read")
	}
	var answer struct {
		Results []struct {
			Series []loss.Series `json:"series"`
			Error  string        `json:"error"`
		} `json:"results"`
		Error string `json:"error"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return nil, fmt.Errorf("asking the store: %s: %w", response.Status, err)
	}
	if answer.Error != "" {
		return nil, errors.New("asking the store: " + answer.Error)
	}
	var all []loss.Series
	for _, r := range answer.Results {
		if r.Error != "" {
			return nil, errors.New("asking the store: " + r.Error)
		}
		all = append(all, r.Series...)
	}
	return all, nil
}

// number is the query's first value, 0 if there is none.
func (s *store) number(ctx context.Context, influxQL string) (int64, error) {
	all, err := s.query(ctx, influxQL)
	if err != nil || len(all) == 0 || len(all[0].Values) == 0 || len(all[0].Values[0]) < 2 {
		return 0, err
	}
	var n int64
	if err := json.Unmarshal(all[0].Values[0][1], &n); err != nil {
		return 0, fmt.Errorf("asking the store: %q answered with %s", influxQL, all[0].Values[0][1])
	}
	return n, nil
}
