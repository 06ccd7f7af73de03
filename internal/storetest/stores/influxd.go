package stores

import (
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

// Influxd18 is the program of InfluxDB 1.8, the last of version 1 that the module proxy alone can build.
func Influxd18(t *testing.T) (program string) {
	t.Helper()
	return storeProgram(t, "influxd-1.8")
}

// OpenInfluxd is an influxd that takes everybody. The program "" is Debian's 1.6.
func OpenInfluxd(t *testing.T, program string) storetest.Store {
	t.Helper()
	address := influxdtest.StartWith(t, influxdtest.Config{Program: program, Database: "ephor"})
	return storetest.Store{
		Config: metrics.Config{URL: address}, Database: "ephor",
		Create: func(t *testing.T, name string) { createDatabase(t, http.DefaultClient, address, "", name) },
	}
}

// ClosedInfluxd is one with users and TLS, as a monitoring host has it: the publisher's may only write.
func ClosedInfluxd(t *testing.T, program string) storetest.Store {
	t.Helper()
	authority := storetest.NewAuthority(t)
	_, file := authority.Certificate(t)
	client := Trusting(t, authority.PEM)
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
}

func basic(userAndPassword string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(userAndPassword))
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
