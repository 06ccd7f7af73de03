package influx

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/influxdata/influxdb"
	"github.com/influxdata/influxdb/models"
	"github.com/influxdata/influxdb/tsdb"
)

// A destination is where a write's points go and how its timestamps count.
type destination struct {
	database  string
	policy    string // "" is the database's default
	precision string // as the parser of points wants it
}

// serveWrite stores points in line protocol.
//
// https://docs.influxdata.com/influxdb/v1/tools/api/#write-http-endpoint
func (s *Server) serveWrite(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	precision, err := precisionV1(q.Get("precision"))
	if err != nil {
		fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	s.write(w, r, destination{q.Get("db"), q.Get("rp"), precision})
}

// serveWriteV2 stores points the way a client of InfluxDB 2 sends them: the bucket is a database, or a database
// and a retention policy with a slash between; the organization is not looked at.
//
// https://docs.influxdata.com/influxdb/v1/tools/api/#apiv2write-http-endpoint
func (s *Server) serveWriteV2(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	precision, err := precisionV2(q.Get("precision"))
	if err != nil {
		fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	database, policy, err := parseBucket(q.Get("bucket"))
	if err != nil {
		fail(w, r, http.StatusNotFound, err.Error())
		return
	}
	s.write(w, r, destination{database, policy, precision})
}

func precisionV1(s string) (string, error) {
	switch s {
	case "", "n", "ns":
		return "n", nil
	case "u", "µ", "μ": // the micro sign and the Greek letter
		return "u", nil
	case "ms", "s", "m", "h":
		return s, nil
	}
	return "", fmt.Errorf("invalid precision %q (use n, u, ms, s, m or h)", s)
}

func precisionV2(s string) (string, error) {
	switch s {
	case "", "ns":
		return "n", nil
	case "us":
		return "u", nil
	case "ms", "s":
		return s, nil
	}
	return "", fmt.Errorf("invalid precision %q (use ns, us, ms or s)", s)
}

func parseBucket(bucket string) (database, policy string, err error) {
	database, policy, slash := strings.Cut(bucket, "/")
	switch {
	case database == "" && slash:
		return "", "", fmt.Errorf(`bucket name %q is in db/rp form but has an empty database`, bucket)
	case database == "":
		return "", "", fmt.Errorf(`bucket name %q is missing a slash; not in "database/retention-policy" format`, bucket)
	}
	return database, policy, nil
}

func (s *Server) write(w http.ResponseWriter, r *http.Request, to destination) {
	if to.database == "" {
		fail(w, r, http.StatusBadRequest, "database is required")
		return
	}
	if known, err := s.knows(to.database); err != nil {
		fail(w, r, http.StatusServiceUnavailable, err.Error())
		return
	} else if !known {
		fail(w, r, http.StatusNotFound, fmt.Sprintf("database not found: %q", to.database))
		return
	}
	leave, err := s.writes.enter(r.Context())
	if err != nil {
		fail(w, r, http.StatusServiceUnavailable, err.Error())
		return
	}
	defer leave()

	var body []byte
	if err := s.readBody(w, func() (err error) { body, err = s.unpack(w, r); return }); err != nil {
		status, message := refusedBody(err)
		fail(w, r, status, message)
		return
	}
	if status, message := s.store(body, r.URL.Query().Get("consistency"), to); status != http.StatusNoContent {
		fail(w, r, status, message)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// store parses a body and stores its points: those that parse, even if others do not.
func (s *Server) store(body []byte, consistency string, to destination) (status int, message string) {
	points, unparsed := models.ParsePointsWithPrecision(body, time.Now().UTC(), to.precision)
	if unparsed != nil && len(points) == 0 {
		return http.StatusBadRequest, unparsed.Error()
	}
	level := models.ConsistencyLevelOne // of a cluster, which this is not; it is checked all the same
	if consistency != "" {
		var err error
		if level, err = models.ParseConsistencyLevel(consistency); err != nil {
			return http.StatusBadRequest, err.Error()
		}
	}
	err := s.joiner.write(batch{points, level, to})
	var partial tsdb.PartialWriteError
	switch {
	case influxdb.IsClientError(err), errors.As(err, &partial):
		return http.StatusBadRequest, err.Error()
	case err != nil:
		return http.StatusInternalServerError, err.Error()
	case unparsed != nil:
		return http.StatusBadRequest, tsdb.PartialWriteError{Reason: unparsed.Error()}.Error()
	}
	return http.StatusNoContent, ""
}

// storePoints returns when the points are on disk, or with what kept them from it. A failure of the disk makes
// the engine open again.
func (s *Server) storePoints(b batch) error {
	e, release, err := s.use()
	if err != nil {
		return err
	}
	if b.to.policy != "" {
		if policy, err := e.meta.RetentionPolicy(b.to.database, b.to.policy); err != nil || policy == nil {
			release()
			return influxdb.ErrRetentionPolicyNotFound(b.to.policy)
		}
	}
	err = e.points.WritePoints(b.to.database, b.to.policy, b.level, nil, b.points)
	release()
	if isStorageFailure(err) {
		s.reopen(err)
	}
	return err
}

func (s *Server) knows(database string) (bool, error) {
	e, release, err := s.use()
	if err != nil {
		return false, err
	}
	defer release()
	return e.meta.Database(database) != nil, nil
}

// unpack reads the body of a write, packed or not, no more of it than is allowed.
func (s *Server) unpack(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	limit := s.config.MaxBodySize
	if r.ContentLength > limit {
		return nil, &http.MaxBytesError{Limit: limit}
	}
	var body io.Reader = http.MaxBytesReader(w, r.Body, limit)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(body)
		if err != nil {
			return nil, err
		}
		body = http.MaxBytesReader(w, unpacked, limit)
	}
	// The client's word for the length is worth one megabyte; beyond it the buffer grows by what arrives.
	buf := bytes.NewBuffer(make([]byte, 0, min(max(r.ContentLength, 0), 1<<20)+bytes.MinRead))
	_, err := buf.ReadFrom(body)
	return buf.Bytes(), err
}

// refusedBody says what to answer when a body could not be read.
func refusedBody(err error) (status int, message string) {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge, http.StatusText(http.StatusRequestEntityTooLarge)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return http.StatusRequestTimeout, "the request's body did not arrive in time"
	}
	return http.StatusBadRequest, err.Error()
}
