package monitor

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/laptop/s3"
	"github.com/ephor-io/ephor/laptop/secretsmanager"
	"github.com/ephor-io/ephor/laptop/ssm"
)

// cloud is as much of AWS as a booting host asks: its metadata, the laptop's Secrets Manager and Systems
// Manager, a small EC2, and the stack's wait condition. Every signature is checked.
type cloud struct {
	t       *testing.T
	server  *httptest.Server
	secrets *secretsmanager.Service
	store   *ssm.Service
	objects *s3.Service
	s3      *httptest.Server
	putting func(key string)  // is told before an object is taken
	asked   func(body string) // is told before Systems Manager answers
	data    func() string     // the user data
	arns    map[string]string // of the secrets, by logical ID

	mu      sync.Mutex
	holder  string            // the instance that has the volume
	states  map[string]string // of instances
	calls   []string          // of EC2 that change something
	signals []map[string]string
	alive   int    // how often the host has said so
	attach  func() // makes the volume's device appear
}

// The metadata service's answers.
const (
	self      = "i-0123456789abcdef0"
	before    = "i-0fedcba9876543210" // the machine that was the host before
	accessKey = "ASIAEXAMPLE"
	secretKey = "the/secret+key/of/the/role"
	session   = "the+session/token=="
	slackURL  = "https://hooks.slack.example/services/T0/B0/geheim?a=b&c"
)

func newCloud(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{t: t, arns: map[string]string{}, holder: before, states: map[string]string{before: "running", self: "running"}}
	var err error
	if c.secrets, err = secretsmanager.Open(secretsmanager.Config{Dir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	if c.store, err = ssm.Open(ssm.Config{Dir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	for id, user := range map[string]string{"AdminSecret": "admin", "WriterSecret": "writer", "ReaderSecret": "reader", "GrafanaSecret": "admin"} {
		s, err := c.secrets.CreateSecret(secretsmanager.SecretInput{Name: id, GenerateSecretString: &secretsmanager.Generate{
			SecretStringTemplate: fmt.Sprintf(`{"username":%q}`, user), GenerateStringKey: "password", PasswordLength: 40, ExcludePunctuation: true}})
		if err != nil {
			t.Fatal(err)
		}
		c.arns[id] = s.ARN
	}
	if _, err := c.secrets.CreateSecret(secretsmanager.SecretInput{Name: "shop/slack", SecretString: fmt.Sprintf(`{"url":%q}`, slackURL)}); err != nil {
		t.Fatal(err)
	}
	if c.objects, err = s3.Open(s3.Config{Dir: t.TempDir(), Region: "eu-central-1"}); err != nil {
		t.Fatal(err)
	}
	// Keys may hold any path, so it stands behind no mux, which cleans paths.
	c.s3 = httptest.NewServer(c.signed("s3", http.HandlerFunc(c.bucket)))
	t.Cleanup(c.s3.Close)
	mux := http.NewServeMux()
	mux.HandleFunc("/imds/", c.metadata)
	mux.Handle("/secretsmanager", c.signed("secretsmanager", c.secrets))
	mux.Handle("/ssm", c.signed("ssm", http.HandlerFunc(c.parameters)))
	mux.Handle("/ec2", c.signed("ec2", http.HandlerFunc(c.ec2)))
	mux.Handle("/monitoring", c.signed("monitoring", http.HandlerFunc(c.metric)))
	mux.HandleFunc("PUT /signal", c.signal)
	c.server = httptest.NewServer(mux)
	t.Cleanup(c.server.Close)
	return c
}

// environment sends the host to this cloud instead of AWS's addresses.
func (c *cloud) environment() []string {
	return []string{
		"AWS_EC2_METADATA_SERVICE_ENDPOINT=" + c.server.URL + "/imds",
		"AWS_ENDPOINT_URL_SECRETS_MANAGER=" + c.server.URL + "/secretsmanager",
		"AWS_ENDPOINT_URL_SSM=" + c.server.URL + "/ssm",
		"AWS_ENDPOINT_URL_EC2=" + c.server.URL + "/ec2",
		"AWS_ENDPOINT_URL_CLOUDWATCH=" + c.server.URL + "/monitoring",
		"AWS_ENDPOINT_URL_S3=" + c.s3.URL,
	}
}

// bucket is S3, the laptop's.
func (c *cloud) bucket(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	putting := c.putting
	c.mu.Unlock()
	if r.Method == http.MethodPut && putting != nil {
		putting(r.URL.Path)
	}
	c.objects.ServeHTTP(w, r)
}

// onPut has f told of every object before it is taken.
func (c *cloud) onPut(f func(key string)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.putting = f
}

// parameters is Systems Manager, the laptop's.
func (c *cloud) parameters(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	asked := c.asked
	c.mu.Unlock()
	if asked != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			c.t.Error(err)
		}
		asked(string(body))
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	c.store.ServeHTTP(w, r)
}

// onAsk has f told of every request to Systems Manager before it is answered.
func (c *cloud) onAsk(f func(body string)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = f
}

// backedUp are the keys in a bucket, by what they are.
func (c *cloud) backedUp(bucket string) (parts, whole []string) {
	c.t.Helper()
	for after := ""; ; {
		page, err := c.objects.ListObjects(s3.ListInput{Bucket: bucket, After: after})
		if err != nil {
			c.t.Fatal(err)
		}
		for _, o := range page.Objects {
			if strings.HasPrefix(o.Key, WholeBackups) {
				whole = append(whole, o.Key)
			} else {
				parts = append(parts, o.Key)
			}
		}
		if after = page.Next; after == "" {
			return parts, whole
		}
	}
}

// makeBucket makes one as the stack's is.
func (c *cloud) makeBucket(name string) {
	c.t.Helper()
	if err := c.objects.CreateBucket(s3.BucketInput{BucketName: name, VersioningConfiguration: "Enabled"}); err != nil {
		c.t.Fatal(err)
	}
}

// show puts a bundle where the stack would put it.
func (c *cloud) show(pieces []string) { c.put(bundled(pieces)) }

// put sets the parameters that the stack would have.
func (c *cloud) put(parameters map[string]cfn.Resource) {
	c.t.Helper()
	for _, r := range parameters {
		text, err := json.Marshal(r.Properties)
		var p struct {
			Name  map[string]string
			Value string
		}
		if err == nil {
			err = json.Unmarshal(text, &p)
		}
		if err == nil {
			_, err = c.store.PutParameter(ssm.ParameterInput{Name: strings.ReplaceAll(p.Name["Fn::Sub"], "${AWS::StackName}", "Hello-Monitoring"), Value: p.Value}, true)
		}
		if err != nil {
			c.t.Fatal(err)
		}
	}
}

// password is what a secret holds now.
func (c *cloud) password(id string) string {
	c.t.Helper()
	text, err := c.secrets.Text(c.arns[id], "", "")
	var secret struct{ Password string }
	if err == nil {
		err = json.Unmarshal([]byte(text), &secret)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return secret.Password
}

// metadata is IMDSv2: without a token it answers nothing.
func (c *cloud) metadata(w http.ResponseWriter, r *http.Request) {
	const token = "the-metadata-token"
	path := strings.TrimPrefix(r.URL.Path, "/imds/latest/")
	if r.Method == http.MethodPut && path == "api/token" && r.Header.Get("X-aws-ec2-metadata-token-ttl-seconds") != "" {
		io.WriteString(w, token)
		return
	}
	if r.Header.Get("X-aws-ec2-metadata-token") != token {
		http.Error(w, "no token", http.StatusUnauthorized)
		return
	}
	switch path {
	case "user-data":
		io.WriteString(w, c.data())
	case "meta-data/instance-id":
		io.WriteString(w, self)
	case "meta-data/public-ipv4":
		io.WriteString(w, "127.0.0.1")
	case "meta-data/iam/security-credentials/":
		io.WriteString(w, "the-role")
	case "meta-data/iam/security-credentials/the-role":
		json.NewEncoder(w).Encode(map[string]string{"Code": "Success", "AccessKeyId": accessKey, "SecretAccessKey": secretKey, "Token": session})
	default:
		http.NotFound(w, r)
	}
}

// signed lets through what the role has signed.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
func (c *cloud) signed(service string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if err := verify(r, body, service); err != nil {
			c.t.Errorf("%s: %v", service, err)
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		h.ServeHTTP(w, r)
	})
}

func verify(r *http.Request, body []byte, service string) error {
	parts := map[string]string{}
	for part := range strings.SplitSeq(strings.TrimPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 "), ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		parts[k] = v
	}
	date := r.Header.Get("X-Amz-Date")
	if len(date) < 8 || r.Header.Get("X-Amz-Security-Token") != session {
		return fmt.Errorf("not signed with the role's session: %q", r.Header)
	}
	scope := date[:8] + "/eu-central-1/" + service + "/aws4_request"
	if parts["Credential"] != accessKey+"/"+scope {
		return fmt.Errorf("credential %s", parts["Credential"])
	}
	hash := func(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }
	content := hash(body)
	if service == "s3" { // of which a body may be left to TLS
		if declared := r.Header.Get("X-Amz-Content-Sha256"); declared == "UNSIGNED-PAYLOAD" && slices.Contains(strings.Split(parts["SignedHeaders"], ";"), "x-amz-content-sha256") {
			content = declared
		}
	}
	names := strings.Split(parts["SignedHeaders"], ";")
	if !slices.Contains(names, "host") || !slices.Contains(names, "x-amz-date") || !slices.Contains(names, "x-amz-security-token") {
		return fmt.Errorf("signed headers %s", names)
	}
	request := r.Method + "\n" + r.URL.EscapedPath() + "\n" + strings.ReplaceAll(r.URL.Query().Encode(), "+", "%20") + "\n"
	for _, n := range names {
		v := r.Header.Get(n)
		if n == "host" {
			v = r.Host
		}
		request += n + ":" + strings.TrimSpace(v) + "\n"
	}
	request += "\n" + parts["SignedHeaders"] + "\n" + content
	key := []byte("AWS4" + secretKey)
	for _, text := range []string{date[:8], "eu-central-1", service, "aws4_request", "AWS4-HMAC-SHA256\n" + date + "\n" + scope + "\n" + hash([]byte(request))} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(text))
		key = mac.Sum(nil)
	}
	if hex.EncodeToString(key) != parts["Signature"] {
		return fmt.Errorf("the signature is wrong of\n%s", request)
	}
	return nil
}

// ec2 is the volume's life: it cannot be attached while another machine has it.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AttachVolume.html
func (c *cloud) ec2(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	refuse := func(code string) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, "<Response><Errors><Error><Code>%s</Code></Error></Errors></Response>", code)
	}
	action := r.PostForm.Get("Action")
	if !strings.HasPrefix(action, "Describe") {
		c.calls = append(c.calls, action+" "+r.PostForm.Get("InstanceId")+r.PostForm.Get("InstanceId.1"))
	}
	switch action {
	case "DescribeVolumes":
		attachment := ""
		if c.holder != "" {
			attachment = "<item><volumeId>vol-0a</volumeId><instanceId>" + c.holder + "</instanceId><device>/dev/sdf</device><status>attached</status></item>"
		}
		fmt.Fprintf(w, `<DescribeVolumesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><volumeSet><item><volumeId>vol-0a</volumeId><status>in-use</status><attachmentSet>%s</attachmentSet></item></volumeSet></DescribeVolumesResponse>`, attachment)
	case "DescribeInstances":
		fmt.Fprintf(w, `<DescribeInstancesResponse><reservationSet><item><groupSet><item><name>other</name></item></groupSet><instancesSet><item><instanceId>%s</instanceId><instanceState><code>80</code><name>%s</name></instanceState></item></instancesSet></item></reservationSet></DescribeInstancesResponse>`,
			r.PostForm.Get("InstanceId.1"), c.states[r.PostForm.Get("InstanceId.1")])
	case "StopInstances":
		c.states[r.PostForm.Get("InstanceId.1")] = "stopped"
		io.WriteString(w, "<StopInstancesResponse/>")
	case "DetachVolume":
		if c.holder != "" && c.states[c.holder] == "running" {
			c.t.Errorf("the volume is taken from %s, which runs", c.holder)
		}
		c.holder = ""
		io.WriteString(w, "<DetachVolumeResponse/>")
	case "AttachVolume":
		if c.holder != "" {
			refuse("VolumeInUse")
			return
		}
		c.holder = r.PostForm.Get("InstanceId")
		c.attach()
		io.WriteString(w, "<AttachVolumeResponse/>")
	default:
		refuse("InvalidAction")
	}
}

// metric takes what the host says of itself, and nothing else.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
func (c *cloud) metric(w http.ResponseWriter, r *http.Request) {
	err := r.ParseForm()
	want := url.Values{"Action": {"PutMetricData"}, "Version": {"2010-08-01"}, "Namespace": {"Ephor/Hello-Monitoring"},
		"MetricData.member.1.MetricName": {"HostAlive"}, "MetricData.member.1.Value": {"1"}}
	if err != nil || r.PostForm.Encode() != want.Encode() {
		c.t.Errorf("the metric %v: %v", r.PostForm, err)
		http.Error(w, "InvalidParameterValue", http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	c.alive++
	c.mu.Unlock()
	io.WriteString(w, "<PutMetricDataResponse/>")
}

// heard is how often the host has said that it is alive since it was asked last.
func (c *cloud) heard() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.alive
	c.alive = 0
	return n
}

// signal is the wait condition's handle.
func (c *cloud) signal(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var s map[string]string
	if err == nil {
		err = json.Unmarshal(body, &s)
	}
	switch {
	case err != nil:
		c.t.Errorf("the signal %q: %v", body, err)
	case r.Header.Get("Content-Type") != "":
		c.t.Errorf("the signal has the content type %q, which the address is not signed for", r.Header.Get("Content-Type"))
	case r.URL.RawQuery != signature:
		c.t.Errorf("the signal went to %q", r.URL.RawQuery)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.signals = append(c.signals, s)
}

// signature is the part of a handle's address that lets one signal.
var signature = url.Values{"Signature": {"a/b+c="}, "Expires": {"1"}}.Encode()

// changed are the calls of EC2 so far that change something.
func (c *cloud) changed() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.calls)
}

// setAttach says how a volume that is attached comes to be there.
func (c *cloud) setAttach(attach func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.attach = attach
}

// signalled takes the signals so far.
func (c *cloud) signalled() []map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.signals
	c.signals = nil
	return all
}
