package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/loss"
)

// ask runs one statement, with times in nanoseconds. It is a loss.Ask.
//
// https://docs.influxdata.com/influxdb/v1/tools/api/#query-http-endpoint
func (s *suite) ask(ctx context.Context, influxQL string) ([]loss.Series, error) {
	form := url.Values{"db": {s.store.Database}, "q": {influxQL}, "epoch": {"ns"}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.store.Config.URL+"/query", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	text, err := s.do(r)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Results []struct {
			Series []loss.Series
			Error  string
		}
		Error string
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, fmt.Errorf("%s: %w: %s", influxQL, err, text)
	}
	if answer.Error != "" || len(answer.Results) != 1 || answer.Results[0].Error != "" {
		return nil, fmt.Errorf("%s: %s", influxQL, text)
	}
	return answer.Results[0].Series, nil
}

func (s *suite) do(r *http.Request) ([]byte, error) {
	if s.store.Authorization != "" {
		r.Header.Set("Authorization", s.store.Authorization)
	}
	response, err := s.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode/100 != 2 {
		err = fmt.Errorf("%s: %s", response.Status, text)
	}
	return text, err
}

// rows are the values of all rows that a query finds, each without its time, a space between two.
// FROM has to be followed by WHERE, which is made to mean the suite's own function.
func (s *suite) rows(influxQL string) string {
	s.Helper()
	return s.values(influxQL, 1)
}

// times are the times of the rows instead.
func (s *suite) times(influxQL string) string {
	s.Helper()
	return s.values(influxQL, 0)
}

func (s *suite) values(influxQL string, from int) string {
	s.Helper()
	before, after, ok := strings.Cut(influxQL, " WHERE")
	q := before + fmt.Sprintf(` WHERE "function" = '%s'`, s.function) + after
	if !ok {
		s.Fatalf("%s has no WHERE", influxQL)
	}
	series, err := s.ask(s.Context(), q)
	if err != nil {
		s.Fatal(err)
	}
	var rows []string
	for _, one := range series {
		for _, row := range one.Values {
			row = row[from:]
			if from == 0 {
				row = row[:1]
			}
			var values []string
			for _, v := range row {
				values = append(values, string(v))
			}
			rows = append(rows, strings.Join(values, ","))
		}
	}
	return strings.Join(rows, " ")
}

// want asks and compares.
func (s *suite) want(influxQL, want string) {
	s.Helper()
	s.until(func() string {
		s.Helper()
		if diff := cmp.Diff(want, s.rows(influxQL)); diff != "" {
			return influxQL + " (-want +got):\n" + diff
		}
		return ""
	})
}

// until fails the test with what check finds wrong; of a store that lags only what it still finds
// wrong after a time.
func (s *suite) until(check func() (wrong string)) {
	s.Helper()
	wrong := check()
	for deadline := time.Now().Add(time.Minute); wrong != "" && s.store.Lags && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
		wrong = check()
	}
	if wrong != "" {
		s.Error(wrong)
	}
}
