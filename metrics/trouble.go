package metrics

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
)

// noAnswer is the trouble with a store that has not answered before the flush's time was up.
type noAnswer struct{}

func (noAnswer) Error() string { return "no answer in time" }

// Unwrap makes it a timeout for whoever asks errors.Is.
func (noAnswer) Unwrap() error { return os.ErrDeadlineExceeded }

// trouble is what is wrong with the store, and what the function's owner can look at. It leaves out method and URL,
// which net/http puts before what went wrong.
func trouble(err error) error {
	var certificate *tls.CertificateVerificationError
	var plain tls.RecordHeaderError
	var operation *net.OpError
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	hint := ""
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		err, hint = noAnswer{}, "EPHOR_STORE_URL must be an address that is reached from here, and the store be up"
	case errors.As(err, &certificate):
		hint = "EPHOR_STORE_CA must be what has signed the store's certificate, and that be for the host in EPHOR_STORE_URL"
	case errors.As(err, &plain):
		hint = "a store without TLS has an EPHOR_STORE_URL with http://"
	case errors.As(err, &operation):
		hint = "EPHOR_STORE_URL must be an address that is reached from here, and the store be up"
	}
	if hint == "" {
		return err
	}
	return fmt.Errorf("%w (%s)", err, hint)
}

// waiting is an error if batches wait for the store; ending says what becomes of them.
func (p *Publisher) waiting(ending string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.queue.batches)
	if n == 0 {
		return nil
	}
	why := p.whyWaiting
	if why == nil {
		why = trouble(context.DeadlineExceeded) // the time was up before its turn came
	}
	return fmt.Errorf("%d batches of metrics were not acknowledged by the store at %s, and %s: %w", n, p.store.name, ending, why)
}
