package command

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// An answer that breaks off is asked for again, and what stays broken is told; what the store says otherwise is not asked twice.
func TestBrokenAnswersAreAskedForAgain(t *testing.T) {
	t.Parallel()
	f := func(breaks, asked int64, want int64, text string, fails error) {
		t.Helper()
		var came atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if came.Add(1) > breaks {
				_, _ = io.WriteString(w, text) // who does not read it, notices
				return
			}
			_, _ = io.WriteString(w, text[:len(text)/2])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}))
		defer server.Close()
		s := &store{url: server.URL, database: "d", client: server.Client()}
		n, err := s.number(t.Context(), "SELECT x")
		if n != want || (err == nil) != (fails == nil) || (err != nil && !errors.Is(err, fails) && err.Error() != fails.Error()) || came.Load() != asked {
			t.Errorf("%d broken: %d, %v after %d questions, want %d, %v after %d", breaks, n, err, came.Load(), want, fails, asked)
		}
	}
	const whole = `{"results":[{"series":[{"columns":["time","n"],"values":[[0,7]]}]}]}`
	f(0, 1, 7, whole, nil)
	f(1, 2, 7, whole, nil)
	f(2, 3, 7, whole, nil)
	f(3, 3, 0, whole, io.ErrUnexpectedEOF)
	f(0, 1, 0, `{"error":"no such thing"}`, errors.New("asking the store: no such thing"))
}
