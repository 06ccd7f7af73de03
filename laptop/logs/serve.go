package logs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// maxRequest is above the largest batch, whose bytes may need six each in JSON.
const maxRequest = 8 << 20

// ServeHTTP answers the JSON 1.1 protocol: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_Operations.html
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out, err := s.serve(r)
	if err == nil {
		err = awsproto.WriteJSON(w, http.StatusOK, out)
	}
	if err != nil {
		awsproto.WriteJSONError(w, err)
	}
}

// action answers one call, whose body is data.
type action func(s *Service, ctx context.Context, data []byte) (any, error)

// call makes an action of a function that takes the request's members as In.
func call[In any](do func(*Service, context.Context, In) (any, error)) action {
	return func(s *Service, ctx context.Context, data []byte) (any, error) {
		var in In
		d := json.NewDecoder(bytes.NewReader(data))
		// What this machine does not do is refused by its name.
		d.DisallowUnknownFields()
		err := d.Decode(&in)
		var wrong *json.UnmarshalTypeError
		switch {
		case errors.Is(err, io.EOF):
		case errors.As(err, &wrong):
			return nil, awsproto.Errorf("SerializationException", "%s: a JSON %s is no %s", wrong.Field, wrong.Value, wrong.Type)
		case err != nil:
			if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
				return nil, invalid("%s is not supported on this machine", strings.Trim(name, `"`))
			}
			return nil, awsproto.Errorf("SerializationException", "the request is not JSON: %v", err)
		}
		return do(s, ctx, in)
	}
}

func actions() map[string]action {
	return map[string]action{
		"CreateLogGroup":        call(serveCreateGroup),
		"CreateLogStream":       call(serveCreateStream),
		"DeleteLogGroup":        call(serveDeleteGroup),
		"DeleteLogStream":       call(serveDeleteStream),
		"DeleteRetentionPolicy": call(serveDeleteRetention),
		"DescribeLogGroups":     call(serveDescribeGroups),
		"DescribeLogStreams":    call(serveDescribeStreams),
		"FilterLogEvents":       call(serveFilter),
		"GetLogEvents":          call(serveGet),
		"ListTagsForResource":   call(serveListTags),
		"PutLogEvents":          call(servePut),
		"PutRetentionPolicy":    call(servePutRetention),
		"TagResource":           call(serveTag),
		"UntagResource":         call(serveUntag),
	}
}

func (s *Service) serve(r *http.Request) (any, error) {
	target := r.Header.Get("X-Amz-Target")
	known := actions()
	name, _ := strings.CutPrefix(target, "Logs_20140328.")
	do, ok := known[name]
	switch {
	case name == "StartLiveTail":
		return nil, awsproto.Errorf("UnknownOperationException", "StartLiveTail: there is no live tail on this machine; aws logs tail --follow shows the same, by FilterLogEvents")
	case !ok:
		return nil, awsproto.Errorf("UnknownOperationException", "%s: on this machine CloudWatch Logs knows %s",
			name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	if err != nil {
		return nil, awsproto.Errorf("SerializationException", "reading the request: %v", err)
	}
	if len(data) > maxRequest {
		return nil, invalid("the request is over %d bytes", maxRequest)
	}
	return do(s, r.Context(), data)
}

// nothing is the answer of a call that returns none.
type nothing struct{}
