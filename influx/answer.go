package influx

import (
	"compress/gzip"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/influxdata/influxdb/query"
)

// A response is the body of an answer to /query, or an error to any request.
type response struct {
	results []*query.Result
	err     string
}

// answer writes results: each by itself as it comes if the client asked for chunks, else all of them together.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, asked question, results iter.Seq[*query.Result]) {
	paced := pacedWriter{w, http.NewResponseController(w), s}
	defer paced.lift()
	var out io.Writer = paced
	flush := paced.Flush
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		packed := gzip.NewWriter(paced)
		defer packed.Close()
		out, flush = packed, func() error {
			if err := packed.Flush(); err != nil {
				return err
			}
			return paced.Flush()
		}
	}
	encoder := formatFor(r).encoder()

	// An error of writing means that nobody reads any more; the loop's end then ends the query.
	w.WriteHeader(http.StatusOK)
	if !asked.chunked {
		_ = encoder.encode(out, response{results: collect(results, asked.epoch, s.config.MaxRows)})
		return
	}
	for result := range results {
		toEpoch(result, asked.epoch)
		if encoder.encode(out, response{results: []*query.Result{result}}) != nil || flush() != nil {
			return
		}
	}
}

// collect joins the parts that the engine hands over into one result for each statement, at most maxRows rows
// in all. A series that was cut, or that had more to come, is marked as partial.
func collect(results iter.Seq[*query.Result], epoch string, maxRows int) []*query.Result {
	var joined []*query.Result
	rows := 0
	for result := range results {
		toEpoch(result, epoch)
		full := truncate(result, &rows, maxRows)
		last := len(joined) - 1
		switch {
		case last < 0 || joined[last].StatementID != result.StatementID:
			joined = append(joined, result)
		case joined[last].Err != nil: // the executor goes on with "not executed", which would hide the reason
		case result.Err != nil:
			joined[last] = result // what came before it is no answer
		default:
			join(joined[last], result)
		}
		if full {
			joined[len(joined)-1].Partial = false // no further part will come; the series says that it is cut
			break
		}
	}
	return joined
}

// join appends a later part of a statement's result to what came before.
func join(to, part *query.Result) {
	if len(to.Series) > 0 && len(part.Series) > 0 {
		last, first := to.Series[len(to.Series)-1], part.Series[0]
		if last.SameSeries(first) {
			last.Values = append(last.Values, first.Values...)
			last.Partial = first.Partial
			part.Series = part.Series[1:]
		}
	}
	to.Series = append(to.Series, part.Series...)
	to.Messages = append(to.Messages, part.Messages...)
	to.Partial = part.Partial
}

// truncate cuts a result down to what is left of maxRows and reports whether nothing is left then.
func truncate(result *query.Result, rows *int, maxRows int) (full bool) {
	for i, series := range result.Series {
		if left := maxRows - *rows; left < len(series.Values) {
			series.Values = series.Values[:left]
			series.Partial = true
		}
		*rows += len(series.Values)
		if *rows >= maxRows {
			result.Series = result.Series[:i+1]
			return true
		}
	}
	return false
}

// toEpoch turns a result's timestamps into counts of a unit since 1970. No unit leaves them as they are; one
// that is not known counts as nanoseconds.
func toEpoch(result *query.Result, unit string) {
	if unit == "" {
		return
	}
	divisor := int64(1)
	switch unit {
	case "u", "µ", "μ":
		divisor = int64(time.Microsecond)
	case "ms":
		divisor = int64(time.Millisecond)
	case "s":
		divisor = int64(time.Second)
	case "m":
		divisor = int64(time.Minute)
	case "h":
		divisor = int64(time.Hour)
	}
	for _, series := range result.Series {
		for _, row := range series.Values {
			if t, ok := row[0].(time.Time); ok {
				row[0] = t.UnixNano() / divisor
			}
		}
	}
}
