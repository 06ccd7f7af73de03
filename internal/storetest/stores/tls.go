package stores

import (
	"crypto/tls"
	"crypto/x509"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/ephor-io/ephor/internal/proxytest"
)

// BehindTLS puts TLS before a store, and returns where.
func BehindTLS(t *testing.T, address string, certificate tls.Certificate) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(proxytest.New(u))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.Config.ErrorLog = log.New(t.Output(), "", 0) // it tells of those who do not trust it
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

// Trusting is a client that knows the certificates of an authority, whose own is pem.
func Trusting(t *testing.T, pem string) *http.Client {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(pem)) {
		t.Fatal("the authority's certificate is not PEM")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}
