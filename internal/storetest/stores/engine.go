package stores

import (
	"crypto/tls"
	"log"
	"net/http/httptest"
	"testing"

	"github.com/ephor-io/ephor/influx"
	"github.com/ephor-io/ephor/internal/storetest"
	"github.com/ephor-io/ephor/metrics"
)

// engine opens the embedded engine.
func engine(t *testing.T) *influx.Server {
	t.Helper()
	s, err := influx.Open(influx.Config{Dir: t.TempDir(), Database: "ephor"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Engine is the embedded engine, as the laptop serves it.
func Engine(t *testing.T) storetest.Store {
	t.Helper()
	server := httptest.NewServer(engine(t))
	t.Cleanup(server.Close)
	return storetest.Store{
		Config: metrics.Config{URL: server.URL}, Database: "ephor",
		Create: func(t *testing.T, name string) { createDatabase(t, server.Client(), server.URL, "", name) },
	}
}

// EngineByBucket is the same through the API of InfluxDB 2, which it has for writing, and behind TLS.
func EngineByBucket(t *testing.T) storetest.Store {
	t.Helper()
	authority := storetest.NewAuthority(t)
	certificate, _ := authority.Certificate(t)
	server := httptest.NewUnstartedServer(engine(t))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.Config.ErrorLog = log.New(t.Output(), "", 0) // it tells of those who do not trust it
	server.StartTLS()
	t.Cleanup(server.Close)
	client := Trusting(t, authority.PEM)
	return storetest.Store{
		Config: metrics.Config{URL: server.URL, Org: "any", Bucket: "ephor", CA: authority.PEM}, Database: "ephor",
		Create: func(t *testing.T, name string) { createDatabase(t, client, server.URL, "", name) },
	}
}
