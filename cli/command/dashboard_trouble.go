package command

import (
	"errors"
	"net"
	"net/http"

	"github.com/ephor-io/ephor/monitor"
)

// grafanaTrouble makes the error of a call to a Grafana one that says what to do. Which statuses there are, says
// each page of the API's documentation:
//
// https://grafana.com/docs/grafana/latest/developers/http_api/
func grafanaTrouble(err error) error {
	var refused *monitor.RefusedError
	var strange *monitor.StrangeError
	var source *monitor.SourceError
	var gone *net.OpError
	switch {
	case errors.As(err, &source):
		return hinted(err, "--source with the UID of an InfluxDB data source that is there, whose query language is InfluxQL")
	case errors.As(err, &strange):
		return hinted(err, "the address that Grafana's own pages have, with the path that it is served under")
	case errors.As(err, &gone):
		return hinted(err, "the address of a Grafana that runs")
	case !errors.As(err, &refused):
		return err
	}
	hint := ""
	switch status := refused.Status; {
	case status == http.StatusUnauthorized:
		hint = grafanaToken + "=… with the token of a service account, or user:password"
	case status == http.StatusForbidden && refused.Part == monitor.PartRules, status == http.StatusForbidden && refused.Part == monitor.PartSource:
		hint = grafanaToken + "=… with the token of a service account that is an administrator"
	case status == http.StatusForbidden:
		hint = grafanaToken + "=… with the token of a service account that is an editor"
	case status == http.StatusNotFound && refused.Part == monitor.PartSource:
		hint = "--source with the UID of an InfluxDB data source that is there"
	case status == http.StatusNotFound && refused.Part == monitor.PartFolder:
		hint = "--folder with the UID of a folder that is there"
	case status == http.StatusBadRequest && refused.Part == monitor.PartDashboard:
		hint = "another title, if the dashboard there comes from a file, which alone may change it"
	case status == http.StatusPreconditionFailed:
		hint = "another title: its UID is that of a dashboard which Grafana does not let go"
	case status/100 == 3:
		hint = "that address"
	case status == http.StatusTooManyRequests || status/100 == 5:
		hint = "the same again in a moment"
	}
	if hint == "" {
		return err
	}
	return hinted(err, hint)
}
