package influx

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/influxdata/influxdb/query"
	"github.com/influxdata/influxql"
)

// defaultChunk is how many rows a chunk has, and how many the engine hands over at a time.
const defaultChunk = 10000

// A question is a request to /query, parsed.
type question struct {
	query   *influxql.Query
	options query.ExecutionOptions
	epoch   string // unit of the answer's timestamps; "" is RFC 3339
	chunked bool
	async   bool
}

// serveQuery answers InfluxQL.
//
// https://docs.influxdata.com/influxdb/v1/tools/api/#query-http-endpoint
func (s *Server) serveQuery(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, s.config.MaxBodySize)
	if err := s.readBody(w, func() error { return readForm(r) }); err != nil {
		status, message := refusedBody(err)
		fail(w, r, status, message)
		return
	}
	asked, err := parseQuestion(r)
	if err != nil {
		fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	leave, err := s.queries.enter(r.Context())
	if err != nil {
		fail(w, r, http.StatusServiceUnavailable, err.Error())
		return
	}
	e, release, err := s.use()
	if err != nil {
		leave()
		fail(w, r, http.StatusServiceUnavailable, err.Error())
		return
	}
	done := func() { release(); leave() }
	if asked.async {
		s.requests.Add(1) // while this request holds one of its own
		go func() {
			defer s.requests.Done()
			defer done()
			for range e.run(s.closing, asked) {
			}
		}()
		w.WriteHeader(http.StatusNoContent)
		return
	}
	defer done()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.closing, cancel)()
	s.answer(w, r, asked, e.run(ctx, asked))
}

// readForm reads the parameters of the URL and of a form in the body, plain or multipart. What does not parse is
// no error: the parameter will be missing.
func readForm(r *http.Request) error {
	err := r.ParseForm()
	if err == nil {
		const inMemory = 1 << 20
		err = r.ParseMultipartForm(inMemory)
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) || errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return nil
}

func parseQuestion(r *http.Request) (question, error) {
	text, err := queryText(r)
	if err != nil {
		return question{}, err
	}
	params, err := parseParams(r.FormValue("params"))
	if err != nil {
		return question{}, err
	}
	parser := influxql.NewParser(strings.NewReader(text))
	parser.SetParams(params)
	parsed, err := parser.ParseQuery()
	if err != nil {
		return question{}, fmt.Errorf("error parsing query: %w", err)
	}
	if r.Method == http.MethodGet {
		for _, statement := range parsed.Statements {
			if !onlyReads(statement) {
				return question{}, fmt.Errorf("'%s' changes the database: please use a POST request", statement)
			}
		}
	}
	asked := question{
		query:   parsed,
		epoch:   strings.TrimSpace(r.FormValue("epoch")),
		chunked: r.FormValue("chunked") == "true",
		async:   r.FormValue("async") == "true",
		options: query.ExecutionOptions{
			Database:         r.FormValue("db"),
			RetentionPolicy:  r.FormValue("rp"),
			ChunkSize:        defaultChunk,
			ReadOnly:         r.Method == http.MethodGet,
			Authorizer:       query.OpenAuthorizer,
			CoarseAuthorizer: query.OpenCoarseAuthorizer,
		},
	}
	if n, err := strconv.Atoi(r.FormValue("chunk_size")); err == nil && n > 0 && asked.chunked {
		asked.options.ChunkSize = n
	}
	return asked, nil
}

// queryText is the parameter q, which may also be a file of a multipart form.
func queryText(r *http.Request) (string, error) {
	if q := strings.TrimSpace(r.FormValue("q")); q != "" {
		return q, nil
	}
	if r.MultipartForm != nil && len(r.MultipartForm.File["q"]) > 0 {
		f, err := r.MultipartForm.File["q"][0].Open()
		if err != nil {
			return "", err
		}
		defer f.Close()
		text, err := io.ReadAll(f)
		return string(text), err
	}
	return "", errors.New(`missing required parameter "q"`)
}

// parseParams reads the values that a query's $placeholders stand for. A number with a point is a float, any
// other an integer.
//
// https://docs.influxdata.com/influxdb/v1/tools/api/#query-http-endpoint, under params.
func parseParams(raw string) (map[string]any, error) {
	if raw == "" {
		return nil, nil
	}
	decoder := json.NewDecoder(strings.NewReader(raw))
	decoder.UseNumber()
	var params map[string]any
	if err := decoder.Decode(&params); err != nil {
		return nil, fmt.Errorf("error parsing query parameters: %w", err)
	}
	for name, value := range params {
		number, ok := value.(json.Number)
		if !ok {
			continue
		}
		var err error
		if strings.Contains(number.String(), ".") {
			params[name], err = number.Float64()
		} else {
			params[name], err = number.Int64()
		}
		if err != nil {
			return nil, fmt.Errorf("error parsing json value: %w", err)
		}
	}
	return params, nil
}

// run executes a query and yields its results as the engine has them. When ctx is done the query is killed, and
// its last result says so. However the loop over it ends, the query has ended then.
func (e *engine) run(ctx context.Context, asked question) iter.Seq[*query.Result] {
	return func(yield func(*query.Result) bool) {
		killed, abandoned := make(chan struct{}), make(chan struct{})
		defer context.AfterFunc(ctx, func() { close(killed) })()
		options := asked.options
		options.AbortCh = abandoned
		results := e.queries.ExecuteQuery(asked.query, options, killed)
		defer func() {
			close(abandoned)
			for range results { // the executor sends some results whether or not anyone is there
			}
		}()
		for result := range results {
			if result != nil && !yield(result) {
				return
			}
		}
	}
}
