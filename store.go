package ephor

import (
	"cmp"

	"github.com/ephor-io/ephor/dashboard"
)

// Store is a store of metrics that is there already, for an application that has its own Grafana: on AWS there is no
// monitoring stack then, and every execution environment publishes to the store. It takes line protocol and
// answers InfluxQL, as InfluxDB 1 to 3, Timestream for InfluxDB and the clusters of InfluxDB and openGemini do.
// `up` keeps to the laptop's own store, and the command dashboard puts the dashboards into a Grafana.
//
//	app.Monitor(ephor.Store{
//		URL:          "https://abc.timestream-influxdb.eu-central-1.on.aws:8086",
//		Organization: "shop", Bucket: "ephor",
//		Token:        ephor.Secret{ID: "shop/influx-writer"},
//	})
type Store struct {
	// URL is the store's address, with https if there is a Token.
	URL string
	// Database is what is written to through the API of InfluxDB 1, which InfluxDB 3 and openGemini have, too;
	// "" means "ephor", unless there is a Bucket.
	Database string
	// Organization and Bucket are InfluxDB 2's, whose API is written to in place of a Database. InfluxQL asks for a
	// database of the bucket's name.
	//
	// https://docs.influxdata.com/influxdb/v2/query-data/influxql/
	Organization, Bucket string
	// User is for stores that have users and passwords, which are InfluxDB 1 and openGemini: Token is the password.
	User string
	// Token is where that is kept which functions write with. Without an ID they write with nothing.
	Token Secret
	// CA is the certificate of the authority that the store's is from, in PEM; "" is any that the function's machine
	// trusts. It goes into the functions' environment, of which Lambda takes 4 KB.
	CA string
	// Dashboards and Alerts are as in Grafana.
	Dashboards []dashboard.Dashboard
	Alerts     dashboard.Alerts
	// Contacts have a Topic: they are those of CloudWatch's alarms. Your Grafana has contact points of its own.
	Contacts []Contact
}

// Secret says where AWS keeps something that nobody shall read: never the secret itself.
type Secret struct {
	// ID is the secret's name in Secrets Manager or, if another account has it, its ARN.
	ID string
	// Key is what is taken of a secret that is a JSON object; "" takes all of it.
	Key string
}

// Monitoring is what App.Monitor takes: a Grafana or a Store.
type Monitoring interface{ monitors(*App) }

func (g Grafana) monitors(a *App) { a.monitor, a.store = &g, nil }

func (s Store) monitors(a *App) {
	a.monitor, a.store = &Grafana{Dashboards: s.Dashboards, Alerts: s.Alerts, Contacts: s.Contacts}, &s
}

// Store is what Monitor was given, with its defaults filled in; ok is false if that was no Store. Monitoring then is
// what the laptop has.
func (a *App) Store() (s Store, ok bool) {
	if a.store == nil {
		return Store{}, false
	}
	s = *a.store
	if s.Bucket == "" {
		s.Database = cmp.Or(s.Database, "ephor")
	}
	return s, true
}
