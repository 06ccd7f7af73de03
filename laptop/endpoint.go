package laptop

import (
	"net/http"
	"net/url"
	"sync/atomic"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// endpoint is the one address behind which all services stand: which of them is meant, a request
// tells by the scope of its signature. Whoever signed it, it must be signed: that is what tells a
// program that means AWS from a web page that found a port.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
type endpoint struct {
	// services are by the name in the credential scope, among them signals, where wait conditions
	// are signalled. Nil until they are open.
	services atomic.Pointer[map[string]http.Handler]
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := signedFor(r)
	if name == "" {
		awsproto.WriteJSONError(w, &awsproto.Error{Code: "MissingAuthenticationTokenException", Status: http.StatusForbidden,
			Message: "the request is not signed; any access key will do, e.g. AWS_ACCESS_KEY_ID=ephor AWS_SECRET_ACCESS_KEY=ephor"})
		return
	}
	services := e.services.Load()
	if services == nil {
		awsproto.WriteJSONError(w, &awsproto.Error{Code: "ServiceUnavailableException", Status: http.StatusServiceUnavailable, Message: "the laptop is starting"})
		return
	}
	service, ok := (*services)[name]
	if !ok {
		awsproto.WriteJSONError(w, &awsproto.Error{Code: "UnknownServiceException", Status: http.StatusNotImplemented,
			Message: "the laptop has no service " + name})
		return
	}
	service.ServeHTTP(w, r)
}

// signals is the scope's name for a signal, which a host sends without credentials of its own: the
// URL that it was given holds a token, which is the secret.
const signals = "signal"

// signedFor is the service that a request is signed for, or "" if it is not signed.
func signedFor(r *http.Request) string {
	if _, service := awsproto.Signature(r); service != "" {
		return service
	}
	if q, err := url.ParseQuery(r.URL.RawQuery); err == nil && q.Get("X-Amz-Signature") != "" && q.Get("X-Amz-Credential") == "" {
		return signals
	}
	return ""
}
