package metrics

import (
	"net/http"
	"time"
)

// atOnce is the longest request that is written before the answer is looked for. A socket mostly takes so much
// whether the server reads it or not.
const atOnce = 16 << 10

// speak sends a request and reads its answer; whole says that the server was sent all of it. A server may
// refuse what it has not read to its end, and then neither read the rest nor close the connection:
//
//	413 Content Too Large: https://www.rfc-editor.org/rfc/rfc9110#section-15.5.14
//
// So the answer to a longer one is read while it is on its way, and ends the sending.
func (c *wireConn) speak(request []byte, r *http.Request, sent func(silent func() bool)) (resp *http.Response, whole bool, err error) {
	if len(request) <= atOnce {
		_, failed := c.conn.Write(request)
		if failed == nil {
			sent(c.silent)
		}
		if resp, err = c.answer(r); err != nil && failed != nil {
			err = failed
		}
		return resp, failed == nil, err
	}
	written := make(chan error, 1)
	go func() {
		_, failed := c.conn.Write(request)
		if failed == nil {
			sent(c.silent)
		}
		written <- failed
	}()
	resp, err = c.answer(r)
	var failed error
	select {
	case failed = <-written:
	default:
		// An aside, of which no request is so long, would end with the first of these.
		_ = c.conn.SetWriteDeadline(time.Unix(1, 0)) // a closed one needs none
		failed = <-written
		// Where ctx has ended meanwhile this takes its deadline back; but then the connection is used no more.
		_ = c.conn.SetWriteDeadline(time.Time{})
	}
	return resp, failed == nil, err
}
