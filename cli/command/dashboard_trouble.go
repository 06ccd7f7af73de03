package command

import (
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"

	"github.com/ephor-io/ephor/monitor"
)

// grafanaTrouble makes the error of a call to a Grafana one that says what to do. Which statuses there are, says
// each page of the API's documentation:
//
// https://grafana.com/docs/grafana/latest/developers/http_api/
func grafanaTrouble(err error) error {
	var refused *monitor.RefusedError
	var taken *monitor.TakenError
	var group *monitor.GroupTakenError
	var strange *monitor.StrangeError
	var source *monitor.SourceError
	var gone *net.OpError
	switch {
	case errors.As(err, &source):
		return hinted(err, "--source with the UID of an InfluxDB data source that is there, whose query language is InfluxQL")
	case errors.As(err, &taken):
		return hinted(err, "another title in Go, --folder with the UID of another folder, or another title or folder there for the one that has this")
	case errors.As(err, &group):
		return hinted(err, "--folder with the UID of another folder for ours, or another group there for these rules")
	case errors.As(err, &strange) && strange.Status == http.StatusBadRequest:
		return hinted(err, "https:// in place of http://, if Grafana is there; else the address that Grafana's own pages have")
	case errors.As(err, &strange):
		return hinted(err, "the address that Grafana's own pages have, with the path that it is served under and no other")
	case errors.Is(err, http.ErrSchemeMismatch):
		return hinted(err, "http:// in place of https://: what answers there speaks no TLS")
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return hinted(err, "https:// in place of http://, or the other way round: what is there hangs up")
	case errors.As(err, &gone):
		return hinted(err, "the address of a Grafana that runs")
	case !errors.As(err, &refused):
		return err
	}
	if hint := refusalHint(refused); hint != "" {
		return hinted(err, hint)
	}
	return err
}

// noSource is what Grafana says where it has no data source of a UID. Something else that answers in JSON says something else.
//
// https://github.com/grafana/grafana/blob/main/pkg/api/datasources.go
const noSource = "Data source not found"

// refusalHint is what to do where Grafana says no, "" where nothing is known to help.
func refusalHint(refused *monitor.RefusedError) string {
	switch status := refused.Status; {
	case status == http.StatusUnauthorized:
		return grafanaToken + "=… with the token of a service account, or user:password"
	case status == http.StatusForbidden && refused.Part == monitor.PartRules, status == http.StatusForbidden && refused.Part == monitor.PartSource:
		return grafanaToken + "=… with the token of a service account that is an administrator"
	case status == http.StatusForbidden:
		return grafanaToken + "=… with the token of a service account that is an editor"
	case status == http.StatusNotFound && refused.Part == monitor.PartSource && refused.Message == noSource:
		return "--source with the UID of an InfluxDB data source that is there"
	case status == http.StatusNotFound && refused.Part == monitor.PartFolder:
		return "--folder with the UID of a folder that is there"
	case status == http.StatusNotFound:
		return "the address that Grafana's own pages have, with the path that it is served under and no other"
	case status == http.StatusConflict && refused.Part == monitor.PartSource:
		return "another name there for the data source that has this one"
	case status == http.StatusConflict && refused.Part == monitor.PartRules:
		return "another title or folder there for the rules that have these titles; --folder with the UID of another folder puts ours elsewhere"
	case status == http.StatusConflict && refused.Part == monitor.PartFolder:
		return "--folder with the UID of the folder that is there, or of any other"
	case status == http.StatusBadRequest && refused.Part == monitor.PartDashboard:
		return "another title, if the dashboard there comes from a file, which alone may change it"
	case status == http.StatusPreconditionFailed && refused.Code == "version-mismatch":
		return "the same again: somebody has saved it in the same moment"
	case status == http.StatusPreconditionFailed:
		return "another title: its UID is that of a dashboard which Grafana does not let go"
	case status/100 == 3:
		return "that address"
	case status == http.StatusTooManyRequests || status/100 == 5:
		return "the same again in a moment"
	}
	return ""
}
