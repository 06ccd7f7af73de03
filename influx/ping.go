package influx

import (
	"encoding/json"
	"net/http"
)

// servePing answers 204, or 200 with the version if the parameter verbose is given and not "0" or "false".
//
// https://docs.influxdata.com/influxdb/v1/tools/api/#ping-http-endpoint
func servePing(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Query().Get("verbose") {
	case "", "0", "false":
		w.WriteHeader(http.StatusNoContent)
	default:
		writeJSON(w, map[string]string{"version": Version})
	}
}

// serveStatus is what /ping was called before.
func serveStatus(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusNoContent)
}

// serveHealth answers as InfluxDB 2's endpoint of that name does.
//
// https://docs.influxdata.com/influxdb/v1/tools/api/#health-http-endpoint
func serveHealth(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	writeJSON(w, struct {
		Checks  []string `json:"checks"`
		Message string   `json:"message"`
		Name    string   `json:"name"`
		Status  string   `json:"status"`
		Version string   `json:"version"`
	}{[]string{}, "ready for queries and writes", "influxdb", "pass", Version})
}

// writeJSON writes a value that is sure to encode.
func writeJSON(w http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	_, _ = w.Write(body)
}
