// Package monitor makes the monitoring stack of an application: the template of its one
// host and the script that boots it, and dashboards and alerts in Grafana's JSON.
//
//	g, _ := app.Monitoring()
//	boards, err := monitor.Dashboards(g) // what Grafana and the local page show
//	template := monitor.Template(g)      // what CloudFormation makes
//
// The host's boot script is in host/, in the order of its files; parameters of the stack hold it,
// and Script returns it. The laptop, which has a host of its own, reads the same settings with
// ParseUserData and answers with a Signal.
package monitor
