package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/ephor-io/ephor/internal/cloudwatchtest"
	"github.com/ephor-io/ephor/internal/proxytest"
	"github.com/ephor-io/ephor/internal/storetest"
	"github.com/ephor-io/ephor/internal/storetest/stores"
	"github.com/ephor-io/ephor/internal/uptest"
)

// depot is an application with a store of its own, whose settings are put in.
const depot = `package main

import (
	"context"
	"time"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cli"
	"github.com/ephor-io/ephor/dashboard"
	"github.com/ephor-io/ephor/metrics"
)

var sold = metrics.NewCounter("sold")

func handle(_ context.Context, in struct{ MS int }) (string, error) {
	time.Sleep(time.Duration(in.MS) * time.Millisecond)
	sold.Add(2)
	return "sold", nil
}

func main() {
	app := ephor.New("NAME")
	app.Function("Handle", handle).Timeout = time.Minute // whatever else the machine does
	app.Monitor(ephor.Store{
		STORE
		Dashboards: []dashboard.Dashboard{{Title: "Depot", Panels: []dashboard.Panel{dashboard.Gauge("depth"), dashboard.Histogram("sizes")}}},
	})
	cli.Main(app)
}
`

// TestOwnStores provisions an application with ephor.Store for each kind of store, the store's own program where it is
// installed and else a stand-in that answers as its documentation says. The laptop is AWS: its functions publish to the store
// with a token that CloudFormation gets from Secrets Manager, over TLS, and each command that reads the store is asked.
func TestOwnStores(t *testing.T) {
	t.Parallel()
	laptop, _ := shopUp(t)
	for _, kind := range []struct {
		name string
		open func(*testing.T) storetest.Store
	}{
		{"InfluxDB1", func(t *testing.T) storetest.Store { return stores.ClosedInfluxd(t, "") }},
		{"InfluxDB1Open", func(t *testing.T) storetest.Store { return stores.OpenInfluxd(t, "") }},
		{"InfluxDB2", stores.InfluxDB2},
		{"InfluxDB2AsDocumented", stores.InfluxDB2AsDocumented},
		{"InfluxDB3AsDocumented", func(t *testing.T) storetest.Store {
			s := stores.InfluxDB3AsDocumented(t)
			s.Config.Database, s.Config.Bucket = s.Config.Bucket, ""
			return s
		}},
		{"OpenGemini", stores.OpenGemini},
	} {
		t.Run(kind.name, func(t *testing.T) {
			newDepot(t, kind.name, kind.open(t), laptop).check()
		})
	}
}

// A storedDepot is the depot, the store that it has, and AWS as far as it goes here.
type storedDepot struct {
	*testing.T
	name, dir, program string
	store              storetest.Store
	url                string // of the store, with TLS
	client             *http.Client
	secret             string // what functions write with; "" for none
	laptop             *application
	aws                *account
	cloudwatch         *cloudwatchtest.Server
	env                []string
	invoked            int
}

func newDepot(t *testing.T, kind string, s storetest.Store, laptop *application) *storedDepot {
	t.Helper()
	d := &storedDepot{T: t, name: "Depot" + kind, store: s, url: s.Config.URL, cloudwatch: &cloudwatchtest.Server{}, laptop: laptop, aws: newAccount(t, laptop)}
	ca := s.Config.CA
	if ca == "" { // a token goes over TLS alone
		authority := storetest.NewAuthority(t)
		certificate, _ := authority.Certificate(t)
		ca, d.url = authority.PEM, stores.BehindTLS(t, s.Config.URL, certificate)
	}
	d.client = stores.Trusting(t, ca)
	fields := fmt.Sprintf("URL: %q, CA: %q,\n", d.url, ca)
	user, password, basic := strings.Cut(s.Config.Token, ":")
	if d.secret = s.Config.Token; basic {
		d.secret = password
		fields += fmt.Sprintf("User: %q,\n", user)
	}
	if d.secret != "" {
		fields += fmt.Sprintf("Token: ephor.Secret{ID: %q, Key: \"key\"},\n", d.name+"/writer")
		d.keep()
	}
	if s.Config.Bucket != "" {
		fields += fmt.Sprintf("Organization: %q, Bucket: %q,\n", s.Config.Org, s.Config.Bucket)
	} else {
		fields += fmt.Sprintf("Database: %q,\n", s.Database)
	}
	d.dir = uptest.NewModule(t, strings.NewReplacer("NAME", d.name, "STORE", fields).Replace(depot))
	d.program = uptest.Build(t, d.dir)

	u, err := url.Parse(laptop.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	rest := proxytest.New(u)
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == cloudwatchtest.Path {
			d.cloudwatch.ServeHTTP(w, r)
			return
		}
		rest.ServeHTTP(w, r)
	}))
	t.Cleanup(endpoint.Close)
	token := ""
	if scheme, rest, ok := strings.Cut(s.Authorization, " "); ok {
		token = rest
		if scheme == "Basic" {
			plain, err := base64.StdEncoding.DecodeString(rest)
			if err != nil {
				t.Fatal(err)
			}
			token = string(plain)
		}
	}
	d.env = []string{"AWS_ENDPOINT_URL=" + endpoint.URL, "AWS_REGION=us-east-1", "AWS_PROFILE=", "AWS_ACCESS_KEY_ID=any", "AWS_SECRET_ACCESS_KEY=any",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "EPHOR_STORE_TOKEN=" + token}
	return d
}

// keep keeps the secret in Secrets Manager.
func (d *storedDepot) keep() {
	d.Helper()
	value, err := json.Marshal(map[string]string{"key": d.secret})
	if err != nil {
		d.Fatal(err)
	}
	d.stack(d.name+"-Secret", map[string]any{"Type": "AWS::SecretsManager::Secret", "Properties": map[string]any{"Name": d.name + "/writer", "SecretString": string(value)}})
}

// stack makes a stack of one resource.
func (d *storedDepot) stack(stack string, resource map[string]any) {
	d.Helper()
	template, err := json.Marshal(map[string]any{"Resources": map[string]any{"It": resource}})
	if err != nil {
		d.Fatal(err)
	}
	text := string(template)
	if _, err := d.aws.stacks.CreateStack(d.Context(), &cloudformation.CreateStackInput{StackName: &stack, TemplateBody: &text}); err != nil {
		d.Fatal(err)
	}
	d.aws.becomes(stack, types.StackStatusCreateComplete)
}

// run runs a command, which never tells the secret.
func (d *storedDepot) run(env []string, args ...string) (status int, stdout, stderr string) {
	d.Helper()
	c := exec.CommandContext(d.Context(), d.program, append(args, "--state", filepath.Join(d.dir, "state"))...)
	c.Dir, c.Env = d.dir, slices.Concat(os.Environ(), d.env, env)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	if c.ProcessState == nil {
		d.Fatal(err)
	}
	if d.secret != "" && strings.Contains(out.String()+errs.String(), d.secret) {
		d.Errorf("%q tells the secret: %s%s", args, &out, &errs)
	}
	return c.ProcessState.ExitCode(), out.String(), errs.String()
}

func (d *storedDepot) must(args ...string) (stdout, stderr string) {
	d.Helper()
	status, stdout, stderr := d.run(nil, args...)
	if status != 0 {
		d.Fatalf("%q: status %d: %s%s", args, status, stdout, stderr)
	}
	return stdout, stderr
}

func (d *storedDepot) check() {
	template, _ := d.must("template", "app", "--arch", runtime.GOARCH)
	if d.secret != "" && !strings.Contains(template, "{{resolve:secretsmanager:"+d.name+"/writer:SecretString:key}}") || !strings.Contains(template, d.url) {
		d.Errorf("the template does not say where the store is: %s", template)
	}
	if strings.Contains(template, "AWS::EC2") {
		d.Errorf("there is a host in the template: %s", template)
	}
	host := strings.TrimPrefix(d.url, "https://")
	if text, _ := d.must("describe", "--mermaid"); !strings.Contains(text, host) || !strings.Contains(text, `-->|"metrics"|`) {
		d.Errorf("the description does not have the store: %s", text)
	}
	if status, _, said := d.run(nil, "status", "--target", "aws"); status != 0 || strings.Contains(said, "error") {
		d.Errorf("status before there is anything: %d, %s", status, said)
	}
	before := d.name + "-Monitoring" // of a time when it had a host
	d.stack(before, map[string]any{"Type": "AWS::S3::Bucket"})
	_, said := d.must("provision", "--target", "aws", "--arch", runtime.GOARCH)
	if !strings.Contains(said, "stack "+before+" is no part of the application any more") || !strings.Contains(said, "delete-stack --stack-name "+before) {
		d.Errorf("provision does not tell of the monitoring stack: %s", said)
	}
	if !strings.Contains(said, "metrics go to "+d.url) || !strings.Contains(said, "dashboard --push URL --source UID") {
		d.Errorf("provision does not say where metrics go: %s", said)
	}
	// The deploy is marked in the store, and one that changes nothing is none.
	_, again := d.must("provision", "--target", "aws", "--arch", runtime.GOARCH)
	if marks := d.sum(`SELECT count("text") FROM "deploy" WHERE $timeFilter`); marks != 1 || strings.Contains(said+again, "do not mark") {
		d.Errorf("there are %g marks: %s%s", marks, said, again)
	}
	for range 5 {
		d.invoke(1, "{}")
	}
	d.accounts()
	d.answers()
	d.refuses()
}

// invoke invokes the function so often at once.
func (d *storedDepot) invoke(times int, payload string) {
	d.Helper()
	function := d.name + "-Handle"
	var clients sync.WaitGroup
	for range times {
		clients.Go(func() {
			out, err := d.aws.lambda.Invoke(d.Context(), &lambda.InvokeInput{FunctionName: &function, Payload: []byte(payload)})
			if err != nil || out.FunctionError != nil {
				d.Errorf("%v, %+v", err, out)
			}
		})
	}
	clients.Wait()
	d.cloudwatch.Add("AWS/Lambda", "Invocations", "FunctionName", function, time.Now(), float64(times))
	d.invoked += times
}

// accounts asks status, which has all invocations.
func (d *storedDepot) accounts() {
	d.Helper()
	asked := 0
	uptest.Within(d.T, 5*time.Minute, "the store has all invocations", func() bool {
		if d.sum(recorded) == float64(d.invoked) {
			return true
		}
		// Where a slow store has not answered in time, what waits goes out with the environment's next invocation.
		if asked++; asked%50 == 0 {
			counts, _ := countedBy(d.T, d.laptop)
			d.invoke(counts[d.name+"-Handle"].Environments, `{"MS": 1000}`)
		}
		return false
	})
	var r struct {
		Served, Recorded int
		Addresses        struct{ Store string }
	}
	uptest.Eventually(d.T, "status accounts for all invocations", func() bool { // the logs have them in the end
		out, _ := d.must("status", "--target", "aws", "--json", "--since", "1h")
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			d.Fatalf("%v: %s", err, out)
		}
		return r.Served == d.invoked && r.Recorded == d.invoked
	})
	if r.Addresses.Store != d.url {
		d.Errorf("the store is at %q", r.Addresses.Store)
	}
	if text, _ := d.must("status", "--target", "aws", "--since", "1h"); !strings.Contains(text, fmt.Sprintf("recorded %d of %[1]d invocations", d.invoked)) {
		d.Errorf("status says %s", text)
	}
}

// answers asks the store every query of the dashboard that the command prints, and of the alerts, as Grafana completes them.
func (d *storedDepot) answers() {
	d.Helper()
	printed, _ := d.must("dashboard")
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ RefID, Query string }
		}
		Templating struct {
			List []struct{ Name, Query string }
		}
		Annotations struct {
			List []struct{ Target struct{ Query string } }
		}
	}
	if err := json.Unmarshal([]byte(printed), &board); err != nil {
		d.Fatalf("%v: %s", err, printed)
	}
	sums := map[string]float64{}
	asked := 0
	for _, p := range board.Panels {
		for _, q := range p.Targets {
			sums[p.Title] += d.sum(q.Query)
			asked++
		}
	}
	for _, v := range board.Templating.List {
		d.sum(v.Query)
		asked++
	}
	for _, a := range board.Annotations.List {
		d.sum(a.Target.Query)
		asked++
	}
	printed, _ = d.must("dashboard", "--alerts")
	var file struct {
		Groups []struct {
			Rules []struct {
				Data []struct{ Model struct{ Query string } }
			}
		}
	}
	if err := json.Unmarshal([]byte(printed), &file); err != nil {
		d.Fatalf("%v: %s", err, printed)
	}
	for _, r := range file.Groups[0].Rules {
		for _, step := range r.Data {
			if step.Model.Query != "" {
				d.sum(step.Model.Query)
				asked++
			}
		}
	}
	n := float64(d.invoked)
	if sums["Invocations"] != n || sums["Durations"] != n || sums["sold"] != 2*n || sums["Cold starts"] < 1 || asked < 40 {
		d.Errorf("%d queries: %v", asked, sums)
	}
}

// sum is the sum of all that a statement answers with, over the last ten minutes.
func (d *storedDepot) sum(statement string) (sum float64) {
	d.Helper()
	q := strings.NewReplacer("$timeFilter", "time > now() - 10m", "$__interval_ms", "60000", "$__interval", "1m",
		"$function", ".*", "$version", ".*", "$instance", ".*").Replace(statement)
	r, err := http.NewRequestWithContext(d.Context(), http.MethodPost, d.url+"/query?"+url.Values{"db": {d.store.Database}, "q": {q}}.Encode(), nil)
	if err != nil {
		d.Fatal(err)
	}
	if d.store.Authorization != "" {
		r.Header.Set("Authorization", d.store.Authorization)
	}
	response, err := d.client.Do(r)
	if err != nil {
		d.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		d.Fatal(err)
	}
	var answer struct {
		Results []struct {
			Error  string
			Series []struct{ Values [][]any }
		}
	}
	if err := json.Unmarshal(text, &answer); err != nil || response.StatusCode != http.StatusOK || len(answer.Results) != 1 || answer.Results[0].Error != "" {
		d.Errorf("%s: %s %s", q, response.Status, text)
		return 0
	}
	for _, s := range answer.Results[0].Series {
		for _, row := range s.Values {
			if n, ok := row[1].(float64); ok {
				sum += n
			}
		}
	}
	return sum
}

// refuses asks status with what does not let it in.
func (d *storedDepot) refuses() {
	d.Helper()
	if d.store.Authorization == "" {
		return
	}
	status, out, said := d.run([]string{"EPHOR_STORE_TOKEN=nobody:nothing"}, "status", "--target", "aws", "--since", "1h")
	if status != 1 || !strings.Contains(said, "asking the store: 401") || !strings.Contains(said, "try: EPHOR_STORE_TOKEN=") || !strings.Contains(out, d.name) {
		d.Errorf("a token of nobody's: status %d, %s%s", status, out, said)
	}
}
