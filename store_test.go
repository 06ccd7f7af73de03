package ephor_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/dashboard"
)

// authority is a certificate in PEM.
func authority(t *testing.T) string {
	t.Helper()
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(nil, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestValidateStore(t *testing.T) {
	t.Parallel()
	f := func(want string, change func(*ephor.Store)) {
		t.Helper()
		app := ephor.New("Shop")
		app.Function("Orders", handler)
		s := ephor.Store{URL: "https://store.example.com:8086", Token: ephor.Secret{ID: "shop/writer"}}
		change(&s)
		app.Monitor(s)
		err := app.Validate()
		refused(t, err, want)
		if err != nil && strings.Contains(err.Error(), "geheim") {
			t.Errorf("the error tells the secret: %v", err)
		}
	}
	f("", func(*ephor.Store) {})
	f("", func(s *ephor.Store) { s.Bucket, s.Organization, s.CA = "b", "o", authority(t) })
	f("", func(s *ephor.Store) { s.Database, s.User, s.Token.Key = "d", "writer", "password" })
	f("", func(s *ephor.Store) { s.URL, s.Token = "http://10.0.0.1:8086/influx", ephor.Secret{} })
	f("", func(s *ephor.Store) {
		s.Token.ID = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop/writer-AbCdEf"
	})

	f(`store: URL is "store:8086", none of http or https with a host: want one such as`, func(s *ephor.Store) { s.URL = "store:8086" })
	f(`store: URL is "", none of http or https`, func(s *ephor.Store) { s.URL = "" })
	f(`none of http or https with a host`, func(s *ephor.Store) { s.URL = "https://:8086" })
	f(`none of http or https with a host`, func(s *ephor.Store) { s.URL = "writer:geheim@store:8086" })
	f(`URL does not parse`, func(s *ephor.Store) { s.URL = "https://writer:geh%zzgeheim@store" })
	f(`URL has the port 99999: ports go from 1 to 65535`, func(s *ephor.Store) { s.URL = "https://store:99999" })
	f(`which is not ASCII: write it as the name system has it`, func(s *ephor.Store) { s.URL = "https://störung.example" })
	f(`URL has a fragment`, func(s *ephor.Store) { s.URL += "/#x" })
	f(`Database is "d\n": it holds a line break`, func(s *ephor.Store) { s.Database = "d\n" })
	f(`Organization is "o\x00"`, func(s *ephor.Store) { s.Bucket, s.Organization = "b", "o\x00" })
	f(`a user's name has no line break`, func(s *ephor.Store) { s.User = "u\n" })
	f(`the URL holds a password`, func(s *ephor.Store) { s.URL = "https://a:geheim@store" })
	f(`URL has a query, behind its ?: leave that out; Database, or Organization and Bucket`, func(s *ephor.Store) { s.URL += "/?db=x" })
	f(`for everybody to read`, func(s *ephor.Store) { s.URL = "http://store" })
	f(`which has no certificate`, func(s *ephor.Store) { s.URL, s.Token, s.CA = "http://store", ephor.Secret{}, authority(t) })
	f(`the store has a database, "d", and a bucket, "b": set Bucket for`, func(s *ephor.Store) { s.Bucket, s.Database = "b", "d" })
	f(`the store has an organisation, "o", but no bucket: set Bucket too`, func(s *ephor.Store) { s.Organization = "o" })
	f(`a Bucket and a User`, func(s *ephor.Store) { s.Bucket, s.User = "b", "u" })
	f(`user u has no password`, func(s *ephor.Store) { s.User, s.Token = "u", ephor.Secret{} })
	f(`no colon`, func(s *ephor.Store) { s.User = "u:geheim" })
	f(`a dynamic reference stands in Token alone`, func(s *ephor.Store) { s.Database = "{{resolve:ssm:x}}" })
	f(`a Key and no ID`, func(s *ephor.Store) { s.Token = ephor.Secret{Key: "k"} })
	f(`the Key of Token`, func(s *ephor.Store) { s.Token.Key = "a:AWSCURRENT" })
	f(`gives to no function`, func(s *ephor.Store) { s.Token.ID = "arn:aws:ssm:eu-central-1:123456789012:parameter/writer" })
	f(`neither the name nor the ARN`, func(s *ephor.Store) { s.Token.ID = "writer:geheim" })
	f(`neither the name nor the ARN`, func(s *ephor.Store) { s.Token.ID = "{{resolve:secretsmanager:x}}" })
	f(`looks like a token itself`, func(s *ephor.Store) { s.Token.ID = "apiv3_geheim" })
	f(`looks like a token itself`, func(s *ephor.Store) { s.Token.ID = strings.Repeat("geheim", 14) + "ab==" })
	f(`no certificate in PEM`, func(s *ephor.Store) { s.CA = "system" })
	f(`no certificate in PEM`, func(s *ephor.Store) { s.CA = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" })
	f(`longer than 3 KB`, func(s *ephor.Store) { s.CA = strings.Repeat(authority(t), 12) })
	f(`dashboard "": it has no title`, func(s *ephor.Store) { s.Dashboards = []dashboard.Dashboard{{}} })
}

// TestStoreOrGrafana: what Monitor was given last counts, and both have dashboards.
func TestStoreOrGrafana(t *testing.T) {
	t.Parallel()
	app := ephor.New("Shop")
	app.Monitor(ephor.Store{URL: "https://store", Dashboards: []dashboard.Dashboard{{Title: "A"}}})
	s, ok := app.Store()
	if !ok || s.Database != "ephor" {
		t.Errorf("%+v, %v", s, ok)
	}
	if g, ok := app.Monitoring(); !ok || len(g.Dashboards) != 1 || g.Dashboards[0].Title != "A" || g.Stack != "Shop-Monitoring" {
		t.Errorf("%+v, %v", g, ok)
	}
	app.Monitor(ephor.Store{Bucket: "b"})
	if s, _ := app.Store(); s.Database != "" {
		t.Errorf("a bucket and a database: %+v", s)
	}
	app.Monitor(ephor.Grafana{})
	if s, ok := app.Store(); ok {
		t.Errorf("the store is still there: %+v", s)
	}
}
