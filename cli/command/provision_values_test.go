package command

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/dashboard"
	"github.com/ephor-io/ephor/deploy"
	"github.com/ephor-io/ephor/internal/awstest"
)

// TestValuesRefuse what the host cannot do, on AWS alone: the laptop's store keeps everything.
func TestValuesRefuse(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // no stack is there
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id Shop-Monitoring does not exist</Message></Error></ErrorResponse>`)
	}))
	defer server.Close()
	app := ephor.New("Shop")
	app.Monitor(ephor.Grafana{Alerts: dashboard.Alerts{Silence: 200 * time.Hour}})
	f := func(target target, days, want string) {
		t.Helper()
		var said, told strings.Builder
		p := &program{app: app, stderr: &told}
		d := &deploying{Deployer: deploy.New(deploy.Config{App: "Shop", AWS: awstest.Config(server.URL)}), terminal: newTerminal(&said)}
		defer d.terminal.close()
		given := map[string]string{"AllowedCIDR": "127.0.0.1/32"}
		if days != "" {
			given["RawDays"] = days
		}
		_, err := p.values(t.Context(), d, provisionFlags{target: target}, given)
		if err != nil {
			p.explain(err)
		}
		if (err == nil) != (want == "") || !strings.Contains(told.String(), want) {
			t.Errorf("%s with %s days: %s, want %s", target.name, days, &told, want)
		}
	}
	f(target{name: targetAWS}, "", "a silence of 200h0m0s is longer than the 168h0m0s")
	f(target{name: targetAWS}, "", "try: --parameter RawDays=9, or a shorter Silence")
	f(target{name: targetAWS}, "9", "")
	f(target{name: targetLaptop}, "", "")
}
