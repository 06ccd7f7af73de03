package logs

import (
	"context"
	"net/http"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

const targetPrefix = "Logs_20140328."

// maxRequest is above the largest batch, whose bytes may need six each in JSON.
const maxRequest = 8 << 20

// ServeHTTP answers the JSON 1.1 protocol: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_Operations.html
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	awsproto.ServeJSON(w, r, s.serve)
}

// action answers one call, whose body is data.
type action func(s *Service, ctx context.Context, data []byte) (any, error)

// call makes an action of a function that takes the request's members as In.
func call[In any](do func(*Service, context.Context, In) (any, error)) action {
	return func(s *Service, ctx context.Context, data []byte) (any, error) {
		var in In
		if err := awsproto.DecodeJSON(data, &in, "InvalidParameterException"); err != nil {
			return nil, err
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
	if r.Header.Get("X-Amz-Target") == targetPrefix+"StartLiveTail" {
		return nil, awsproto.Errorf("UnknownOperationException", "StartLiveTail: there is no live tail on this machine; aws logs tail --follow shows the same, by FilterLogEvents")
	}
	do, data, err := awsproto.Target(r, awsproto.Targets{Prefix: targetPrefix, Service: "CloudWatch Logs", Limit: maxRequest, TooLarge: "InvalidParameterException"}, actions())
	if err != nil {
		return nil, err
	}
	return do(s, r.Context(), data)
}

// nothing is the answer of a call that returns none.
type nothing struct{}
