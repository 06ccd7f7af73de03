package metrics

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/url"
	"testing"
	"time"
)

// A server that asks for a certificate sends the tickets of the session when the client's side of the
// handshake is done. They lie unread on a connection that was made for a request that did not wait for it, and
// are no reason to make another.
func TestWireTakesNoTicketForAnAnswer(t *testing.T) {
	t.Parallel()
	server, _, all := countedServer(t)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS13, ClientAuth: tls.RequestClientCert}
	server.StartTLS()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	w := newWire(u, &tls.Config{RootCAs: roots, ClientSessionCache: tls.NewLRUClientSessionCache(2)})
	defer w.close()
	dial, release := w.dial, make(chan struct{})
	w.dial = func(ctx context.Context) (net.Conn, error) {
		<-release
		return dial(ctx)
	}
	sendInVain(t, w)
	close(release)
	c := idle(t, w)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		silent := true
		if err := c.raw.Control(func(fd uintptr) { silent = isSilent(fd) }); err != nil {
			t.Fatal(err)
		}
		if !silent {
			break
		}
		if time.Now().After(deadline) {
			t.Skip("the tickets have not come, or this system cannot tell")
		}
	}
	for range 3 {
		if got, err := send(t.Context(), w, "a"); err != nil || got != "204 " {
			t.Errorf("%s, %v", got, err)
		}
	}
	if n := all.Load(); n != 1 {
		t.Errorf("%d connections were made", n)
	}
}

// A store that has no more than TLS 1.1 gets nothing.
func TestOldTLSIsRefused(t *testing.T) {
	t.Parallel()
	for version, ok := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true} {
		server, _, _ := countedServer(t)
		server.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: version}
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.StartTLS()
		ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
		s, err := newStore(Config{URL: server.URL, CA: ca}.withDefaults())
		if err != nil {
			t.Fatal(err)
		}
		defer s.close()
		if err := s.write(t.Context(), []byte("a b=1 1\n")); (err == nil) != ok {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
	}
}

// idle waits until a wire keeps a connection.
func idle(t *testing.T, w *wire) *wireConn {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		w.mu.Lock()
		c := w.idle
		w.mu.Unlock()
		if c != nil {
			return c
		}
	}
	t.Fatal("no connection was made")
	return nil
}
