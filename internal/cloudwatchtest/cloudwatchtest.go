// Package cloudwatchtest stands in for the part of CloudWatch that tells sums of metrics, in the protocol
// that the SDK for Go speaks to it, for tests.
package cloudwatchtest

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

// Path is where requests for it go.
//
// https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
const Path = "/service/GraniteServiceVersion20100801/operation/GetMetricData"

// A Server answers GetMetricData for metrics with one dimension and the statistic Sum. Its zero value has none.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
type Server struct {
	// PageSize is how many values a page holds; 0 means all of them.
	PageSize int
	// Incomplete makes the last page say InternalError, as it does where data could not be read.
	Incomplete bool

	mu     sync.Mutex
	values map[string]map[time.Time]float64 // by namespace, metric and dimension; then by minute
	pages  int
}

// Add adds to a metric at a time.
func (s *Server) Add(namespace, metric, dimension, value string, at time.Time, n float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := strings.Join([]string{namespace, metric, dimension, value}, "/")
	if s.values == nil {
		s.values = map[string]map[time.Time]float64{}
	}
	if s.values[key] == nil {
		s.values[key] = map[time.Time]float64{}
	}
	s.values[key][at.UTC().Truncate(time.Minute)] += n
}

// Pages is how many pages it has given.
func (s *Server) Pages() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pages
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	w.Header().Set("Content-Type", "application/cbor")
	body, err := io.ReadAll(r.Body)
	if err == nil && (r.URL.Path != Path || r.Header.Get("Smithy-Protocol") != "rpc-v2-cbor") {
		err = fmt.Errorf("%s is not GetMetricData in this protocol", r.URL.Path)
	}
	var answer cbor.Map
	if err == nil {
		answer, err = s.getMetricData(body)
	}
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		answer = cbor.Map{"__type": cbor.String("com.amazonaws.cloudwatch#InvalidParameterValueException"), "message": cbor.String(err.Error())}
	}
	_, _ = w.Write(cbor.Encode(answer)) // the client tells what it did not get
}

// point is one value of one query.
type point struct {
	query string
	at    time.Time
	sum   float64
}

func (s *Server) getMetricData(body []byte) (answer cbor.Map, err error) {
	// A request that is not of the documented form panics in a type assertion below.
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("malformed: %v", v)
		}
	}()
	v, err := cbor.Decode(body)
	if err != nil {
		return nil, err
	}
	in := v.(cbor.Map)
	from, to := timestamp(in["StartTime"]), timestamp(in["EndTime"])
	if !from.Before(to) {
		return nil, fmt.Errorf("the parameter StartTime must be less than the parameter EndTime")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var points []point
	var ids []string
	for _, q := range in["MetricDataQueries"].(cbor.List) {
		query := q.(cbor.Map)
		ids = append(ids, string(query["Id"].(cbor.String)))
		points = append(points, s.sums(query, from, to)...)
	}
	start := 0
	if token, ok := in["NextToken"].(cbor.String); ok {
		if _, err := fmt.Sscan(string(token), &start); err != nil || start > len(points) {
			return nil, fmt.Errorf("NextToken %q is none of ours", token)
		}
	}
	end := len(points)
	if s.PageSize > 0 {
		end = min(end, start+s.PageSize)
	}
	s.pages++
	return s.page(ids, points[start:end], end, end == len(points)), nil
}

// sums are the points of one query, by its own period.
func (s *Server) sums(query cbor.Map, from, to time.Time) (points []point) {
	stat := query["MetricStat"].(cbor.Map)
	metric := stat["Metric"].(cbor.Map)
	dimension := metric["Dimensions"].(cbor.List)[0].(cbor.Map)
	if stat["Stat"].(cbor.String) != "Sum" {
		panic("the statistic is not Sum")
	}
	key := fmt.Sprintf("%s/%s/%s/%s", metric["Namespace"], metric["MetricName"], dimension["Name"], dimension["Value"])
	period := time.Duration(stat["Period"].(cbor.Uint)) * time.Second
	sums := map[time.Time]float64{}
	for at, n := range s.values[key] {
		if at = at.Truncate(period); !at.Before(from.Truncate(period)) && at.Before(to) {
			sums[at] += n
		}
	}
	for at, n := range sums {
		points = append(points, point{string(query["Id"].(cbor.String)), at, n})
	}
	slices.SortFunc(points, func(a, b point) int { return a.at.Compare(b.at) })
	return points
}

func (s *Server) page(ids []string, points []point, next int, last bool) cbor.Map {
	status := "PartialData"
	switch {
	case last && s.Incomplete:
		status = "InternalError"
	case last:
		status = "Complete"
	}
	results := cbor.List{}
	for _, id := range ids {
		times, values := cbor.List{}, cbor.List{}
		for _, p := range points {
			if p.query == id {
				times = append(times, &cbor.Tag{ID: 1, Value: cbor.Float64(float64(p.at.Unix()))})
				values = append(values, cbor.Float64(p.sum))
			}
		}
		results = append(results, cbor.Map{"Id": cbor.String(id), "Timestamps": times, "Values": values, "StatusCode": cbor.String(status)})
	}
	answer := cbor.Map{"MetricDataResults": results}
	if !last {
		answer["NextToken"] = cbor.String(fmt.Sprint(next))
	}
	return answer
}

// timestamp is seconds since 1970, tagged as such.
func timestamp(v cbor.Value) time.Time {
	switch seconds := v.(*cbor.Tag).Value.(type) {
	case cbor.Float64:
		return time.Unix(0, int64(float64(seconds)*1e9)).UTC().Round(time.Millisecond)
	case cbor.Uint:
		return time.Unix(int64(seconds), 0).UTC()
	}
	panic("a time that is no number")
}
