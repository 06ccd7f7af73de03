package command

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/deploy"
	"github.com/ephor-io/ephor/internal/mototest"
)

// sick is what is wrong with a host; its zero value is well.
type sick struct {
	state, system, checks string        // "" is running, ok, ok
	refusal               string        // EC2's code
	grafana               int           // the status of its health; 0 is 200
	store                 int           // and of the store's ping; 0 is 204
	closed                bool          // nobody listens at the store's port
	backup                time.Duration // how old the last backup is; 0 is an hour
	backups               string        // instead of it: none, off or refused
	created, updated      time.Duration // how long ago the stack was; 0 is not known, or never
}

func place(endpoint string) aws.Config {
	return aws.Config{Region: "eu-central-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("any", "any", "")}
}

// healthOf asks a stand-in for AWS and a host behind TLS.
func healthOf(t *testing.T, s sick) *health {
	t.Helper()
	or := func(text, otherwise string) string {
		if text == "" {
			return otherwise
		}
		return text
	}
	cloud := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch action := r.FormValue("Action"); {
		case r.URL.Path == "/shop-backups":
			if r.FormValue("list-type") != "2" || r.FormValue("prefix") != "whole/" || !strings.Contains(r.Header.Get("Authorization"), "/eu-central-1/s3/aws4_request") {
				t.Errorf("S3 is asked %v", r.Form)
			}
			switch s.backups {
			case "none":
				fmt.Fprint(w, `<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>`)
			case "refused":
				w.WriteHeader(http.StatusForbidden)
				fmt.Fprint(w, `<Error><Code>AccessDenied</Code><Message>No.</Message></Error>`)
			default:
				age := s.backup
				if age == 0 {
					age = time.Hour
				}
				last := time.Now().UTC().Add(-age).Format("20060102T150405Z")
				if r.FormValue("continuation-token") == "" {
					fmt.Fprint(w, `<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>n</NextContinuationToken><Contents><Key>whole/20200101T000000Z</Key></Contents></ListBucketResult>`)
					return
				}
				fmt.Fprintf(w, `<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>whole/20200102T000000Z</Key></Contents><Contents><Key>whole/%s</Key></Contents></ListBucketResult>`, last)
			}
		case action == "DescribeStackResource":
			fmt.Fprint(w, `<DescribeStackResourceResponse><DescribeStackResourceResult><StackResourceDetail><PhysicalResourceId>i-0a</PhysicalResourceId></StackResourceDetail></DescribeStackResourceResult></DescribeStackResourceResponse>`)
		case action != "DescribeInstanceStatus" || r.FormValue("InstanceId.1") != "i-0a" || !strings.Contains(r.Header.Get("Authorization"), "/eu-central-1/ec2/aws4_request"):
			t.Errorf("EC2 is asked %v", r.Form)
		case s.refusal != "":
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `<Response><Errors><Error><Code>%s</Code><Message>No.</Message></Error></Errors><RequestID>1</RequestID></Response>`, s.refusal)
		default:
			fmt.Fprintf(w, `<DescribeInstanceStatusResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><instanceStatusSet><item><instanceId>i-0a</instanceId><instanceState><code>16</code><name>%s</name></instanceState>`+
				`<systemStatus><status>%s</status></systemStatus><instanceStatus><status>%s</status></instanceStatus><attachedEbsStatus><status>ok</status></attachedEbsStatus></item></instanceStatusSet></DescribeInstanceStatusResponse>`,
				or(s.state, "running"), or(s.system, "ok"), or(s.checks, "ok"))
		}
	}))
	defer cloud.Close()
	host := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/ping" && s.store == 0:
			w.Header().Set("X-Influxdb-Version", "1.13.1")
			w.WriteHeader(http.StatusNoContent)
		case r.URL.Path == "/ping":
			w.WriteHeader(s.store)
		case r.URL.Path == "/api/health" && s.grafana == 0:
			fmt.Fprint(w, `{"database":"ok","version":"13.2.3","commit":"x"}`)
		case r.URL.Path == "/api/health":
			w.WriteHeader(s.grafana)
			fmt.Fprint(w, `{"database":"failing","version":"13.2.3","commit":"x"}`)
		}
	}))
	defer host.Close()
	store := host.URL
	if s.closed {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		store = "https://" + l.Addr().String()
		l.Close()
	}
	ca := base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: host.Certificate().Raw}))
	monitoring := deploy.State{Name: "Shop-Monitoring", Outputs: map[string]string{"StoreURL": store, "GrafanaURL": host.URL, "StoreCA": ca, "BackupBucket": "shop-backups"},
		Parameters: map[string]string{"AllowedCIDR": "203.0.113.7/32", "BackupDays": "7"}}
	if s.backups == "off" {
		monitoring.Parameters["BackupDays"] = "0"
	}
	if s.created > 0 {
		monitoring.Created = time.Now().Add(-s.created)
	}
	if s.updated > 0 {
		monitoring.Updated = time.Now().Add(-s.updated)
	}
	config := place(cloud.URL)
	return askHealth(t.Context(), config, deploy.New(deploy.Config{AWS: config}), target{name: targetAWS}, monitoring, addresses{})
}

func TestHealth(t *testing.T) {
	t.Parallel()
	f := func(s sick, verdict, why string) {
		t.Helper()
		h := healthOf(t, s)
		if diff := cmp.Diff([]string{verdict, why}, []string{h.Verdict, h.Why}); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", s, diff)
		}
	}
	f(sick{}, healthy, "")
	f(sick{state: "stopped", system: "not-applicable", checks: "not-applicable"}, unhealthy, "its instance is stopped")
	f(sick{state: "pending", system: "initializing"}, unknown, "its instance is starting")
	f(sick{system: "impaired"}, unhealthy, "by EC2's check its machine below it is impaired")
	f(sick{checks: "impaired"}, unhealthy, "by EC2's check its instance is impaired")
	f(sick{checks: "initializing"}, unknown, "EC2's check of its instance: initializing")
	f(sick{checks: "initializing", grafana: 502}, unhealthy, "Grafana answers 502 Bad Gateway, its database: failing")
	f(sick{refusal: "UnauthorizedOperation"}, unknown, "asking EC2 for the status of i-0a: UnauthorizedOperation: No.")
	f(sick{refusal: "InvalidInstanceID.NotFound"}, unhealthy, "its instance i-0a does not exist any more")
	f(sick{grafana: 503}, unhealthy, "Grafana answers 503 Service Unavailable, its database: failing")
	f(sick{store: 200}, unhealthy, "the store answers 200 OK to /ping, which it does not where all is well")
	f(sick{backup: 12 * time.Hour}, healthy, "")
	f(sick{backup: 30 * time.Hour}, unhealthy, "the last backup is 30h0m0s old, and one should be made every 6h0m0s")
	f(sick{backups: "off"}, healthy, "")
	f(sick{backups: "none"}, unknown, "the last backup is not there yet: the first is made some minutes after a boot")
	f(sick{backups: "none", created: 12 * time.Hour}, unknown, "the last backup is not there yet: the first is made some minutes after a boot")
	f(sick{backups: "none", created: 30 * time.Hour}, unhealthy, "the last backup is not there, of a stack that is 30h0m0s old, and one should be made every 6h0m0s")
	f(sick{backups: "none", created: 30 * time.Hour, updated: 10 * time.Minute}, unknown, "the last backup is not there yet: the first is made some minutes after a boot")
	f(sick{backups: "none", created: 30 * time.Hour, updated: 2 * time.Hour}, unhealthy, "the last backup is not there, of a stack that is 30h0m0s old, and one should be made every 6h0m0s")
	f(sick{backups: "off", created: 30 * time.Hour}, healthy, "")
	f(sick{backups: "refused"}, unknown, "the last backup is not known: looking for backups in shop-backups: AccessDenied: No.")
	f(sick{closed: true}, unhealthy, "the store does not run: the connection is refused")
}

// What a security group does not let in gets no answer: that is not held against the host.
func TestHealthOutOfSight(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() }))
	defer silent.Close()
	d := askGrafana(ctx, &http.Client{}, silent.URL, "its port lets in AllowedCIDR=127.0.0.1/32")
	if d.Verdict != unknown || !strings.HasPrefix(d.Says, "cannot be reached from here: ") || !strings.HasSuffix(d.Says, "; its port lets in AllowedCIDR=127.0.0.1/32") {
		t.Errorf("%+v", d)
	}
}

func TestHealthIsPrinted(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := (report{Health: healthOf(t, sick{grafana: 503})}).print(&b); err != nil {
		t.Fatal(err)
	}
	want := `
monitoring host: unhealthy (Grafana answers 503 Service Unavailable, its database: failing)
  machine  i-0a running; checks by EC2: system ok, instance ok, volumes ok
  Grafana  answers 503 Service Unavailable, its database: failing
  store    answers: InfluxDB 1.13.1
  backup   is 1h0m0s old
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// moto's EC2 understands what we ask, and we what it answers.
func TestHealthOfAMachineOnMoto(t *testing.T) {
	t.Parallel()
	config := place(mototest.Start(t))
	template := `{"Resources": {"Host": {"Type": "AWS::EC2::Instance", "Properties": {"ImageId": "ami-12c6146b", "InstanceType": "t4g.small"}}}}`
	_, err := cloudformation.NewFromConfig(config).CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: aws.String("Shop-Monitoring"), TemplateBody: &template})
	if err != nil {
		t.Fatal(err)
	}
	d := deploy.New(deploy.Config{AWS: config})
	m := askMachine(t.Context(), config, d, "Shop-Monitoring")
	if verdict, why := m.verdict(); verdict != healthy || !strings.HasPrefix(m.Instance, "i-") || m.State != "running" || m.System != "ok" {
		t.Errorf("%s (%s): %+v", verdict, why, m)
	}
	if _, err := instanceStatus(t.Context(), config, "i-0123456789abcdef0"); !isCode(err, "InvalidInstanceID.NotFound") {
		t.Errorf("an instance that is not there: %v", err)
	}
	if m := askMachine(t.Context(), config, d, "No-Monitoring"); m.Trouble == "" || m.gone {
		t.Errorf("a stack that is not there: %+v", m)
	}
}

func TestWhereEC2Is(t *testing.T) {
	t.Parallel()
	f := func(c aws.Config, want string) {
		t.Helper()
		got, err := ec2Endpoint(t.Context(), c)
		if err != nil || got != want {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
	}
	f(aws.Config{Region: "eu-central-1"}, "https://ec2.eu-central-1.amazonaws.com")
	f(aws.Config{Region: "cn-north-1"}, "https://ec2.cn-north-1.amazonaws.com.cn")
	f(place("http://127.0.0.1:1"), "http://127.0.0.1:1")
}
