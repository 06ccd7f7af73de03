package command

import (
	"errors"

	"github.com/aws/smithy-go"

	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"github.com/ephor-io/ephor/deploy"
	"github.com/ephor-io/ephor/monitor"
)

// machineHealth is the host's instance as EC2 sees it: its state, and the checks of the machine below it, of itself
// and of its volumes. Each check is ok, impaired, insufficient-data, not-applicable or initializing.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-system-instance-status-check.html
type machineHealth struct {
	Instance string `json:"instance,omitempty" xml:"instanceId"`
	State    string `json:"state,omitempty" xml:"instanceState>name"`
	System   string `json:"system,omitempty" xml:"systemStatus>status"`
	Checks   string `json:"checks,omitempty" xml:"instanceStatus>status"`
	Volumes  string `json:"volumes,omitempty" xml:"attachedEbsStatus>status"`
	// Trouble is why EC2 has not been asked or does not tell.
	Trouble string `json:"trouble,omitempty" xml:"-"`
	gone    bool
}

func (m machineHealth) String() string {
	if m.Trouble != "" {
		return strings.TrimSpace(m.Instance + " " + m.Trouble)
	}
	text := fmt.Sprintf("%s %s; checks by EC2: system %s, instance %s", m.Instance, m.State, m.System, m.Checks)
	if m.Volumes != "" {
		text += ", volumes " + m.Volumes
	}
	return text
}

// verdict is healthy where no check applies, too: on the laptop there is no machine.
func (m machineHealth) verdict() (verdict, why string) {
	switch {
	case m.gone:
		return unhealthy, "its instance " + m.Instance + " does not exist any more"
	case m.Trouble != "":
		return unknown, m.Trouble
	case m.State == "pending":
		return unknown, "its instance is starting"
	case m.State != "running":
		return unhealthy, "its instance is " + m.State
	}
	for _, check := range []struct{ of, status string }{{"machine below it", m.System}, {"instance", m.Checks}, {"volumes", m.Volumes}} {
		switch check.status {
		case "ok", "not-applicable", "":
		case "impaired":
			return unhealthy, "by EC2's check its " + check.of + " is impaired"
		default:
			verdict, why = unknown, "EC2's check of its "+check.of+": "+check.status
		}
	}
	if verdict != "" {
		return verdict, why
	}
	return healthy, ""
}

func askMachine(ctx context.Context, config aws.Config, d *deploy.Deployer, stack string) machineHealth {
	id, err := d.Resource(ctx, stack, monitor.HostResource)
	if err != nil {
		return machineHealth{Trouble: inService(err)}
	}
	m, err := instanceStatus(ctx, config, id)
	if err != nil {
		m = machineHealth{Trouble: inService(err), gone: isCode(err, "InvalidInstanceID.NotFound")}
	}
	m.Instance = id
	return m
}

// instanceStatus asks EC2 by hand: of its some 700 calls we need this one, and the SDK's package of them is by far the
// largest of all, which whoever runs an application would compile.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceStatus.html
func instanceStatus(ctx context.Context, config aws.Config, id string) (machineHealth, error) {
	asking := func(err error) (machineHealth, error) {
		return machineHealth{}, fmt.Errorf("asking EC2 for the status of %s: %w", id, err)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	endpoint, err := ec2Endpoint(ctx, config)
	if err != nil {
		return asking(err)
	}
	form := url.Values{"Action": {"DescribeInstanceStatus"}, "Version": {"2016-11-15"}, "InstanceId.1": {id}, "IncludeAllInstances": {"true"}}.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(endpoint, "/")+"/", strings.NewReader(form))
	if err != nil {
		return asking(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	if err := sign(ctx, config, r, []byte(form), "ec2"); err != nil {
		return asking(err)
	}
	var client aws.HTTPClient = http.DefaultClient
	if config.HTTPClient != nil {
		client = config.HTTPClient
	}
	response, err := client.Do(r)
	if err != nil {
		return asking(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return asking(err)
	}
	if response.StatusCode != http.StatusOK {
		return asking(&serviceError{ec2Refusal(response.Status, body)})
	}
	var answer struct {
		Statuses []machineHealth `xml:"instanceStatusSet>item"`
	}
	if err := xml.Unmarshal(body, &answer); err != nil {
		return asking(err)
	}
	if len(answer.Statuses) != 1 {
		return asking(fmt.Errorf("it answers with %d instances", len(answer.Statuses)))
	}
	return answer.Statuses[0], nil
}

// ec2Endpoint is where EC2 is: where the configuration says, or beside CloudWatch, whose
// address in every partition differs in its first word alone.
//
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
// https://docs.aws.amazon.com/general/latest/gr/ec2-service.html
func ec2Endpoint(ctx context.Context, config aws.Config) (string, error) {
	for _, source := range config.ConfigSources {
		s, ok := source.(interface {
			GetServiceBaseEndpoint(context.Context, string) (string, bool, error)
		})
		if !ok {
			continue
		}
		if endpoint, there, err := s.GetServiceBaseEndpoint(ctx, "EC2"); err != nil || there {
			return endpoint, err
		}
	}
	if config.BaseEndpoint != nil {
		return *config.BaseEndpoint, nil
	}
	e, err := cloudwatch.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, cloudwatch.EndpointParameters{Region: &config.Region})
	if err != nil {
		return "", err
	}
	rest, ok := strings.CutPrefix(e.URI.Host, "monitoring.")
	if !ok {
		return "", fmt.Errorf("the address of EC2 in %s is not known: AWS_ENDPOINT_URL_EC2 can name it", config.Region)
	}
	return "https://ec2." + rest, nil
}

// ec2Refusal is the error that EC2 answers with, in a form that it alone has.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html#api-error-response
func ec2Refusal(status string, body []byte) error {
	var answer struct {
		Errors []struct{ Code, Message string } `xml:"Errors>Error"`
	}
	if err := xml.Unmarshal(body, &answer); err != nil || len(answer.Errors) == 0 {
		return errors.New(status)
	}
	return &smithy.GenericAPIError{Code: answer.Errors[0].Code, Message: answer.Errors[0].Message}
}
