package apigateway

import (
	"encoding/base64"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

const idLetters = "abcdefghijklmnopqrstuvwxyz0123456789"

// newID is an identifier in API Gateway's form. It is a name and no secret.
func newID(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = idLetters[rand.IntN(len(idLetters))]
	}
	return string(b)
}

// newRequestID has the form of the service's: 15 letters of base64 and an equals sign.
func newRequestID() string {
	var raw [11]byte
	fill(raw[:])
	return base64.URLEncoding.EncodeToString(raw[:])
}

// traceID is the request's X-Ray header, or a new one.
func traceID(h http.Header, now time.Time) string {
	if t := h.Get("X-Amzn-Trace-Id"); t != "" {
		return t
	}
	return awsproto.NewTrace(now)
}

// fill writes random bytes that need not be hard to guess.
func fill(b []byte) {
	for i := 0; i < len(b); i += 8 {
		for j, v := i, rand.Uint64(); j < len(b) && j < i+8; j, v = j+1, v>>8 {
			b[j] = byte(v)
		}
	}
}
