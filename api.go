package ephor

import (
	"cmp"
	"time"
)

// API says what stands in front of the routes. Its zero value is an HTTP API without CORS, which an
// application has if nothing is said.
type API struct {
	// REST makes it a REST API: events of payload format 1.0 (events.APIGatewayProxyRequest), the
	// stage in every path, 29 s for a function to answer. An http.Handler serves both kinds.
	REST bool
	// Stage is the REST API's, the first part of every path; "" means prod. An HTTP API is served at
	// the root.
	Stage string
	// BinaryTypes are the media types, such as image/* or */*, whose bodies a REST API passes on as
	// base64 and gives back decoded. An HTTP API decides by itself.
	BinaryTypes []string
	// CORS lets pages of other sites in; nil lets in none. An HTTP API sets the headers of all
	// answers; a REST API answers the preflight requests, and the functions set
	// Access-Control-Allow-Origin in their own answers.
	CORS *CORS
}

// URL is an address of a function's own, beside the routes: https://ID.lambda-url.REGION.on.aws/ on
// AWS. Events have payload format 2.0 (events.LambdaFunctionURLRequest).
type URL struct {
	// IAM lets in only requests that are signed with AWS credentials; otherwise anybody may call.
	IAM bool
	// Stream sends the answer as it is written, up to 200 MB: an http.Handler flushes, another
	// handler returns an events.LambdaFunctionURLStreamingResponse.
	Stream bool
	// CORS lets pages of other sites in; nil lets in none.
	CORS *CORS
}

// CORS says what pages of other sites may do.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
type CORS struct {
	// Origins are what pages come from, such as https://shop.example, or * for anywhere. A REST API
	// takes one.
	Origins []string
	// Methods may be used; nil means all, or those of a REST API's path.
	Methods []string
	// Headers may be sent.
	Headers []string
	// Expose are headers of the answers that pages may read. A REST API's functions set it.
	Expose []string
	// Credentials lets pages send cookies; nothing may be * then.
	Credentials bool
	// MaxAge is how long a browser remembers this; whole seconds, a day at most.
	MaxAge time.Duration
}

// API says what stands in front of the routes.
func (a *App) API(api API) { a.api = api }

// Front is what API was given, with its defaults filled in.
func (a *App) Front() API {
	api := a.api
	if api.REST {
		api.Stage = cmp.Or(api.Stage, "prod")
	}
	return api
}
