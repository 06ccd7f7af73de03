package ec2

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// host notes what is asked of it; boot, if not nil, is how it boots.
type host struct {
	boot func(ctx context.Context) error

	mu  sync.Mutex
	log []string
}

func (h *host) note(s string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.log = append(h.log, s)
}

// noted is what has been asked so far.
func (h *host) noted() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.log)
}

func (h *host) Boot(ctx context.Context, i Instance) error {
	h.note("boot " + i.Signal())
	if h.boot != nil {
		return h.boot(ctx)
	}
	return nil
}

func (h *host) Halt(context.Context, string) error { h.note("halt"); return nil }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wants(t testing.TB, err error, code, text string) {
	t.Helper()
	var e *awsproto.Error
	if !errors.As(err, &e) || e.Code != code || !strings.Contains(e.Message, text) {
		t.Errorf("the error is %v, want %s with %q", err, code, text)
	}
}

func openService(t testing.TB, dir string, h Host) *Service {
	t.Helper()
	s, err := Open(Config{Dir: dir, Host: h})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// monitoring is the user data of a monitoring host.
var monitoring = base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\nset -e\nEPHOR_SIGNAL='http://127.0.0.1:4566/signal?x=1'\necho done\n"))

func TestTheMonitoringHostBootsAndHalts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	booting := make(chan bool)
	h := &host{boot: func(context.Context) error { <-booting; return nil }}
	s := openService(t, dir, h)
	g, err := s.CreateSecurityGroup(SecurityGroupInput{GroupDescription: "web", SecurityGroupIngress: []Rule{{IPProtocol: "tcp", FromPort: 443, ToPort: 443, CidrIP: "0.0.0.0/0"}}})
	must(t, err)
	i, err := s.RunInstance(InstanceInput{ImageID: "ami-1", InstanceType: "t4g.small", UserData: monitoring, SecurityGroupIDs: []string{g.GroupID}})
	must(t, err)
	if i.State != "pending" || !strings.HasPrefix(i.InstanceID, "i-") || len(i.InstanceID) != 19 || i.PublicIPAddress != "127.0.0.1" {
		t.Errorf("%+v", i)
	}
	close(booting)
	must(t, s.WaitBoot(t.Context(), i.InstanceID))
	if err := s.Boot(i.InstanceID); err == nil {
		t.Error("an instance that is up boots again")
	}
	a, err := s.AllocateAddress(nil, "")
	must(t, err)
	tie, err := s.AssociateAddress(a.AllocationID, i.InstanceID, "")
	must(t, err)
	wants(t, s.ReleaseAddress(a.AllocationID), "InvalidIPAddress.InUse", i.InstanceID)
	wants(t, s.DeleteSecurityGroup(g.GroupID), "DependencyViolation", i.InstanceID)

	// A restart finds the records and boots nothing by itself.
	must(t, s.Close())
	later := &host{}
	s = openService(t, dir, later)
	got, err := s.GetInstance(i.InstanceID)
	must(t, err)
	i.State = "running"
	if diff := cmp.Diff(i, got); diff != "" || len(later.noted()) != 0 {
		t.Errorf("%v\n%s", later.noted(), diff)
	}
	must(t, s.Boot(i.InstanceID))
	must(t, s.WaitBoot(t.Context(), i.InstanceID))
	must(t, s.TerminateInstance(t.Context(), i.InstanceID))
	if diff := cmp.Diff([]string{"boot http://127.0.0.1:4566/signal?x=1", "halt"}, later.noted()); diff != "" {
		t.Error(diff)
	}
	wants(t, s.TerminateInstance(t.Context(), i.InstanceID), "InvalidInstanceID.NotFound", i.InstanceID)
	must(t, s.DisassociateAddress(tie.AssociationID))
	must(t, s.ReleaseAddress(a.AllocationID))
	must(t, s.DeleteSecurityGroup(g.GroupID))
	s = openService(t, dir, later)
	if len(s.ListInstances()) != 0 {
		t.Error("the terminated instance is back")
	}
}

func TestAnyOtherMachineIsRefused(t *testing.T) {
	t.Parallel()
	h := &host{}
	s := openService(t, t.TempDir(), h)
	f := func(script, code, text string) {
		t.Helper()
		_, err := s.RunInstance(InstanceInput{ImageID: "ami-1", UserData: base64.StdEncoding.EncodeToString([]byte(script))})
		wants(t, err, code, text)
	}
	const refused = "machines cannot run on the laptop"
	f("", "UnsupportedOperation", refused)
	f("#!/bin/sh\necho EPHOR_SIGNAL='x'", "UnsupportedOperation", refused)
	f("EPHOR_SIGNAL=''", "UnsupportedOperation", refused)
	_, err := s.RunInstance(InstanceInput{UserData: "%"})
	wants(t, err, "InvalidParameterValue", "BASE64")
	_, err = s.RunInstance(InstanceInput{UserData: monitoring, SecurityGroupIDs: []string{"sg-none"}})
	wants(t, err, "InvalidGroup.NotFound", "sg-none")
	if len(s.ListInstances()) != 0 || len(h.noted()) != 0 {
		t.Errorf("%d instances, %v", len(s.ListInstances()), h.noted())
	}
}

func TestABootThatFails(t *testing.T) {
	t.Parallel()
	events := make(chan Event, 1)
	h := &host{boot: func(context.Context) error { return errors.New("port 8086 is taken") }}
	s, err := Open(Config{Dir: t.TempDir(), Host: h, Events: func(e Event) { events <- e }})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	i, err := s.RunInstance(InstanceInput{UserData: monitoring})
	must(t, err)
	if err := s.WaitBoot(t.Context(), i.InstanceID); err == nil || !strings.Contains(err.Error(), "port 8086 is taken") {
		t.Errorf("%v", err)
	}
	if e, ok := (<-events).(BootFailed); !ok || e.InstanceID != i.InstanceID {
		t.Errorf("%+v", e)
	}
	must(t, s.TerminateInstance(t.Context(), i.InstanceID))
}

func TestTerminatingABootUnderWay(t *testing.T) {
	t.Parallel()
	h := &host{boot: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}
	s := openService(t, t.TempDir(), h)
	i, err := s.RunInstance(InstanceInput{UserData: monitoring})
	must(t, err)
	must(t, s.TerminateInstance(t.Context(), i.InstanceID))
	if n := len(s.ListInstances()); n != 0 {
		t.Errorf("%d instances are left", n)
	}
	// Closing ends a boot, too, which is no failure of the instance.
	i, err = s.RunInstance(InstanceInput{UserData: monitoring})
	must(t, err)
	must(t, s.Close())
	if got, err := s.GetInstance(i.InstanceID); err != nil || got.State != "pending" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestSecurityGroups(t *testing.T) {
	t.Parallel()
	s := openService(t, t.TempDir(), &host{})
	g, err := s.CreateSecurityGroup(SecurityGroupInput{GroupName: "g", GroupDescription: "d"})
	must(t, err)
	_, err = s.CreateSecurityGroup(SecurityGroupInput{GroupName: "g", GroupDescription: "d"})
	wants(t, err, "InvalidGroup.Duplicate", "'g'")
	_, err = s.CreateSecurityGroup(SecurityGroupInput{GroupName: "h"})
	wants(t, err, "InvalidParameterValue", "GroupDescription")
	_, err = s.CreateSecurityGroup(SecurityGroupInput{GroupDescription: "d", SecurityGroupIngress: []Rule{{IPProtocol: "tcp", FromPort: 2, ToPort: 1}}})
	wants(t, err, "InvalidParameterValue", "port range")
	changed, err := s.UpdateSecurityGroup(g.GroupID, SecurityGroupInput{GroupName: "other", GroupDescription: "other", SecurityGroupIngress: []Rule{{IPProtocol: "-1"}}})
	must(t, err)
	got, err := s.GetSecurityGroup(g.GroupID)
	must(t, err)
	if diff := cmp.Diff(changed, got); diff != "" || got.GroupName != "g" || got.GroupDescription != "d" || len(got.SecurityGroupIngress) != 1 {
		t.Errorf("%+v\n%s", got, diff)
	}
	_, err = s.UpdateSecurityGroup("sg-none", SecurityGroupInput{GroupDescription: "d"})
	wants(t, err, "InvalidGroup.NotFound", "sg-none")
	_, err = s.AssociateAddress("eipalloc-none", "i-none", "")
	wants(t, err, "InvalidAllocationID.NotFound", "eipalloc-none")
	a, err := s.AllocateAddress(map[string]string{"a": "b"}, "")
	must(t, err)
	if got, err := s.GetAddress(a.AllocationID); err != nil || got.PublicIP != "127.0.0.1" {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = s.AssociateAddress(a.AllocationID, "i-none", "")
	wants(t, err, "InvalidInstanceID.NotFound", "i-none")
}

func TestTheWire(t *testing.T) {
	t.Parallel()
	s := openService(t, t.TempDir(), &host{})
	i, err := s.RunInstance(InstanceInput{ImageID: "ami-1", UserData: monitoring, Tags: map[string]string{"Name": "grafana"}})
	must(t, err)
	must(t, s.WaitBoot(t.Context(), i.InstanceID))
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	f := func(wantStatus int, wantText string, values url.Values) {
		t.Helper()
		res, err := http.PostForm(server.URL, values)
		must(t, err)
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		if res.StatusCode != wantStatus || !strings.Contains(string(body), wantText) {
			t.Errorf("%v: %d %s, want %d with %q", values, res.StatusCode, body, wantStatus, wantText)
		}
	}
	f(200, "<instanceId>"+i.InstanceID+"</instanceId>", url.Values{"Action": {"DescribeInstances"}})
	f(200, "<code>16</code><name>running</name>", url.Values{"Action": {"DescribeInstances"}, "InstanceId.1": {i.InstanceID}})
	f(400, "<Code>InvalidInstanceID.NotFound</Code>", url.Values{"Action": {"DescribeInstances"}, "InstanceId.1": {"i-none"}})
	f(400, "<Code>InvalidParameterValue</Code>", url.Values{"Action": {"DescribeInstances"}, "Filter.1.Name": {"tag:Name"}})
	status := url.Values{"Action": {"DescribeInstanceStatus"}, "InstanceId.1": {i.InstanceID}, "IncludeAllInstances": {"true"}}
	f(200, "<instanceState><code>16</code><name>running</name></instanceState><systemStatus><status>not-applicable</status></systemStatus>", status)
	f(400, "<Code>InvalidInstanceID.NotFound</Code>", url.Values{"Action": {"DescribeInstanceStatus"}, "InstanceId.1": {"i-none"}})
	f(400, "RunInstances", url.Values{"Action": {"RunInstances"}})
}

func TestBoto3(t *testing.T) {
	t.Parallel()
	if exec.Command("python3", "-c", "import boto3").Run() != nil {
		t.Skip("boto3 is not installed: pip install boto3")
	}
	s := openService(t, t.TempDir(), &host{})
	i, err := s.RunInstance(InstanceInput{ImageID: "ami-1", UserData: monitoring, Tags: map[string]string{"Name": "grafana"}})
	must(t, err)
	must(t, s.WaitBoot(t.Context(), i.InstanceID))
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	cmd := exec.CommandContext(t.Context(), "python3", "-c", `
import boto3, sys
i = boto3.client("ec2").describe_instances(InstanceIds=[sys.argv[1]])["Reservations"][0]["Instances"][0]
s = boto3.client("ec2").describe_instance_status(InstanceIds=[sys.argv[1]])["InstanceStatuses"][0]
assert s["InstanceState"]["Name"] == "running" and s["SystemStatus"]["Status"] == s["InstanceStatus"]["Status"] == "not-applicable", s
assert i["State"]["Name"] == "running" and i["PublicIpAddress"] == "127.0.0.1" and i["Tags"] == [{"Key": "Name", "Value": "grafana"}], i
`, i.InstanceID)
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+server.URL, "AWS_ACCESS_KEY_ID=id", "AWS_SECRET_ACCESS_KEY=secret", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
