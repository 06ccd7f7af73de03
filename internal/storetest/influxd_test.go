package storetest_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ephor-io/ephor/internal/influxdtest"
	"github.com/ephor-io/ephor/internal/storetest"
	"github.com/ephor-io/ephor/metrics"
)

// Debian's influxd 1.6.
func TestInfluxd(t *testing.T) {
	t.Parallel()
	openAndClosed(t, "")
}

// InfluxDB 1.8, the last of version 1 that the module proxy alone can build.
func TestInfluxd18(t *testing.T) {
	t.Parallel()
	program := storeProgram(t, "influxd-1.8")
	openAndClosed(t, program)
}

// openAndClosed runs the suite against an influxd that takes everybody, and against one with users and TLS,
// as a monitoring host has it: the publisher's may only write.
func openAndClosed(t *testing.T, program string) {
	t.Run("open", func(t *testing.T) {
		t.Parallel()
		storetest.Run(t, func(t *testing.T) storetest.Store {
			address := influxdtest.StartWith(t, influxdtest.Config{Program: program, Database: "ephor"})
			return storetest.Store{
				Config: metrics.Config{URL: address}, Database: "ephor",
				Create: func(t *testing.T, name string) { createDatabase(t, http.DefaultClient, address, "", name) },
			}
		})
	})
	t.Run("closed", func(t *testing.T) {
		t.Parallel()
		storetest.Run(t, func(t *testing.T) storetest.Store {
			authority := storetest.NewAuthority(t)
			_, file := authority.Certificate(t)
			client := trusting(t, authority)
			address := influxdtest.StartWith(t, influxdtest.Config{Program: program, Database: "ephor", Admin: "admin:root's own", Certificate: file, Client: client})
			admin := basic("admin:root's own")
			statement(t, client, address, admin, `CREATE USER "writer" WITH PASSWORD 'se:cret'`)
			statement(t, client, address, admin, `GRANT WRITE ON "ephor" TO "writer"`)
			return storetest.Store{
				Config:   metrics.Config{URL: address, Database: "ephor", Token: "writer:se:cret", CA: authority.PEM},
				Database: "ephor", Authorization: admin,
				Create: func(t *testing.T, name string) {
					createDatabase(t, client, address, admin, name)
					statement(t, client, address, admin, `GRANT WRITE ON "`+name+`" TO "writer"`)
				},
			}
		})
	})
}

func basic(userAndPassword string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(userAndPassword))
}

// trusting is a client that knows the authority's certificates.
func trusting(t *testing.T, a *storetest.Authority) *http.Client {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(a.PEM)) {
		t.Fatal("the authority's certificate is not PEM")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func createDatabase(t *testing.T, client *http.Client, address, authorization, name string) {
	t.Helper()
	statement(t, client, address, authorization, `CREATE DATABASE "`+name+`"`)
}

// statement runs one statement of InfluxQL.
func statement(t *testing.T, client *http.Client, address, authorization, q string) {
	t.Helper()
	form := url.Values{"q": {q}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+"/query", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || strings.Contains(string(text), `"error"`) {
		t.Fatalf("%s: %s %s (%v)", q, response.Status, text, err)
	}
}
