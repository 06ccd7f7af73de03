package lambda

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	telemetryPath = "/2022-07-01/telemetry"
	logsPath      = "/2020-08-15/logs" // of the API that was there before
)

// telemetryRequest is the body of a subscription, see
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api-reference.html
type telemetryRequest struct {
	SchemaVersion string   `json:"schemaVersion"`
	Types         []string `json:"types"`
	Buffering     struct {
		MaxItems  *int `json:"maxItems"`
		MaxBytes  *int `json:"maxBytes"`
		TimeoutMS *int `json:"timeoutMs"`
	} `json:"buffering"`
	Destination struct {
		Protocol string `json:"protocol"`
		URI      string `json:"URI"`
	} `json:"destination"`
}

// serveTelemetry subscribes an extension.
func (e *environment) serveTelemetry(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPut {
		refuse(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "the Telemetry API has no %s: PUT subscribes", r.Method)
		return
	}
	x, refused := e.extension(r)
	if refused != nil {
		forbid(w, refused)
		return
	}
	body, err := readBody(r, maxExtensionBody)
	var in telemetryRequest
	if err == nil {
		err = json.Unmarshal(body, &in)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "ValidationError", "%v", err)
		return
	}
	to, problems := in.subscription(e.managed != nil)
	if len(problems) > 0 {
		refuse(w, http.StatusBadRequest, "ValidationError", "%s", strings.Join(problems, "; "))
		return
	}
	again, refused := e.telemetry.subscribe(x.name, to)
	if refused != nil {
		forbid(w, refused)
		return
	}
	state := "Subscribed"
	if again {
		state = "Already subscribed"
	}
	titles := make([]string, len(to.categories))
	for i, c := range to.categories {
		titles[i] = strings.ToUpper(c[:1]) + c[1:]
	}
	e.log.platform("TELEMETRY\tName: " + x.name + "\tState: " + state + "\tTypes: [" + strings.Join(titles, ", ") + "]")
	e.tell("telemetrySubscription", subscriptionRecord{x.name, state, to.categories}, levelInfo)
	w.Header()["Content-Type"] = jsonType
	_, _ = w.Write([]byte(`"OK"`)) // a process that has gone is noticed by its exit
}

// serveLogs answers the Logs API as AWS documents it for a machine that is not Lambda's:
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-logs-api.html
func serveLogs(w http.ResponseWriter) {
	refuse(w, http.StatusAccepted, "Logs.NotSupported", "Logs API is not supported")
}

// telemetrySchemas are the versions of the events' form, of which Managed Instances have the last one alone.
var telemetrySchemas = []string{"2022-07-01", "2022-12-13", "2025-01-29"}

// subscription checks a request and fills in the defaults.
func (in telemetryRequest) subscription(managed bool) (to subscription, problems []string) {
	bad := func(problem string) { problems = append(problems, problem) }
	switch newest := telemetrySchemas[len(telemetrySchemas)-1]; {
	case !slices.Contains(telemetrySchemas, in.SchemaVersion):
		bad("schemaVersion should be one of " + strings.Join(telemetrySchemas, ", "))
	case managed && in.SchemaVersion != newest:
		bad("schemaVersion should be " + newest + ": Lambda Managed Instances have no other")
	}
	switch in.Destination.Protocol {
	case "HTTP":
		var problem string
		if to.url, problem = loopbackURL(in.Destination.URI); problem != "" {
			bad(problem)
		}
	case "TCP":
		bad("protocol TCP is not supported on this machine: use HTTP")
	default:
		bad("protocol should be HTTP")
	}
	if len(in.Types) == 0 {
		bad("types should not be empty")
	}
	for _, category := range in.Types {
		if category != telemetryPlatform && category != telemetryFunction && category != telemetryExtension {
			bad("types should be platform, function or extension, not " + category)
		}
		if !slices.Contains(to.categories, category) {
			to.categories = append(to.categories, category)
		}
	}
	within := func(name string, value *int, standard, low, high int) int {
		if value == nil {
			return standard
		}
		if *value < low || *value > high {
			bad("buffering." + name + " should be between " + strconv.Itoa(low) + " and " + strconv.Itoa(high))
		}
		return *value
	}
	to.maxItems = within("maxItems", in.Buffering.MaxItems, 1_000, 1_000, 10_000)
	to.maxBytes = within("maxBytes", in.Buffering.MaxBytes, 256<<10, 256<<10, 1<<20)
	to.timeout = time.Duration(within("timeoutMs", in.Buffering.TimeoutMS, 1_000, 25, 30_000)) * time.Millisecond
	return to, problems
}

// loopbackURL is where a destination's URI leads to. Lambda's name for the environment's own
// loopback is sandbox.localdomain; here environments share the machine's.
func loopbackURL(uri string) (address, problem string) {
	u, err := url.Parse(uri)
	switch {
	case uri == "":
		return "", "URI is not provided"
	case err != nil:
		return "", "URI is not valid: " + err.Error()
	case u.Scheme != "http":
		return "", "URI scheme should be http"
	case !slices.Contains([]string{"sandbox.localdomain", "sandbox", "localhost", "127.0.0.1"}, u.Hostname()):
		return "", "URI host should be sandbox.localdomain"
	case u.Port() == "":
		return "", "URI port is not provided"
	}
	u.Host = "127.0.0.1:" + u.Port()
	u.User = nil
	return u.String(), ""
}
