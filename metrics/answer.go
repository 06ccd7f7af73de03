package metrics

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A refusal is the store's final word on a batch: sending it again would change nothing.
type refusal struct {
	status  string
	message string
	// points that the store did not take while it took the others, -1 if it took none: then
	// parts of the batch may fare better.
	points int
}

func (r *refusal) Error() string { return r.status + ": " + r.message }

// A rejection is an answer of the store that says nothing about the points: they may be sent
// again as they are.
type rejection struct {
	status  string
	message string
	hint    string        // what the function's owner can do; "" for nothing
	after   time.Duration // the store wants to be left alone for so long, 0 if it did not say
}

func (r *rejection) Error() string {
	s := r.status
	if r.message != "" {
		s += ": " + r.message
	}
	if r.hint != "" {
		s += " (" + r.hint + ")"
	}
	return s
}

// answered makes an error of an answer that is not a success.
func answered(resp *http.Response, body []byte, now time.Time) error {
	message, points := readError(body)
	switch resp.StatusCode {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return &refusal{status: resp.Status, message: message, points: points}
	}
	r := &rejection{status: resp.Status, message: message, after: retryAfter(resp.Header.Get("Retry-After"), now)}
	switch resp.StatusCode {
	case http.StatusOK:
		r.hint = "a store answers 204: EPHOR_STORE_URL must be its address, not that of a page before it"
	case http.StatusUnauthorized:
		r.hint = "EPHOR_STORE_TOKEN is missing, or the store does not know it"
	case http.StatusForbidden:
		r.hint = "EPHOR_STORE_TOKEN must be allowed to write there"
	case http.StatusNotFound:
		r.hint = "the store must have what EPHOR_STORE_DATABASE, or EPHOR_STORE_BUCKET and EPHOR_STORE_ORG, name"
	}
	return r
}

// longestRetryAfter is how long a store is left alone at most on its own word, which may be wrong.
const longestRetryAfter = 10 * time.Minute

// retryAfter reads the header of that name, seconds or a date.
//
// https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
func retryAfter(header string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, longestRetryAfter)
	}
	if at, err := http.ParseTime(header); err == nil {
		return min(max(at.Sub(now), 0), longestRetryAfter)
	}
	return 0
}

// readError reads what InfluxDB says in JSON, and how many points a partial write left out: -1
// if it was not one.
//
//	1.x  {"error": "partial write: … dropped=N"}    N leaves out what does not parse
//	2    {"code": "…", "message": "…partial write: … dropped=N"}
//	3    {"error": "partial write of line protocol occurred", "data": [{"original_line": …}, …]}
//	     with the first 100 of them
func readError(body []byte) (message string, points int) {
	var e struct {
		Error, Message string
		Data           json.RawMessage
	}
	if json.Unmarshal(body, &e) != nil || e.Error+e.Message == "" {
		return oneLine(string(body)), -1
	}
	message = e.Error + e.Message
	if !strings.Contains(message, "partial write") {
		return oneLine(message), -1
	}
	var lines []struct {
		Message string `json:"error_message"`
	}
	if json.Unmarshal(e.Data, &lines) == nil && len(lines) > 0 {
		if len(lines) >= mostNamed {
			return oneLine(message), -1
		}
		return oneLine(fmt.Sprintf("%s: %s", message, lines[0].Message)), len(lines)
	}
	return oneLine(message), dropped(message)
}

// mostNamed is how many refused points InfluxDB 3 names. Where it names so many there may be more, and
// only parts of the batch tell: those that it has taken already change nothing when they come again.
//
// https://docs.influxdata.com/influxdb3/core/write-data/troubleshoot/#review-http-status-codes
const mostNamed = 100

// dropped is the N of dropped=N, and 1 at least: a partial write leaves something out. -1 means
// that the message has none.
func dropped(message string) int {
	_, after, ok := strings.Cut(message, "dropped=")
	if !ok {
		return -1
	}
	end := strings.IndexFunc(after, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(after)
	}
	n, err := strconv.Atoi(after[:end])
	if err != nil {
		return -1
	}
	return max(n, 1)
}
