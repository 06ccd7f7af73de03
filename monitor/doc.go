// Package monitor makes the monitoring stack of an application: the template of its one host,
// and the dashboards in Grafana's JSON.
//
//	g, _ := app.Monitoring()
//	boards, err := monitor.Dashboards(g) // what Grafana and the local page show
//	template := monitor.Template(g)      // what CloudFormation makes
//
// The stack does not boot a host on AWS yet: its user data holds the settings of one and no
// program that installs InfluxDB and Grafana, so there nobody signals the wait condition and
// the stack's creation times out. The laptop, which has a host of its own, reads the same
// settings with ParseUserData and answers with a Signal.
package monitor
