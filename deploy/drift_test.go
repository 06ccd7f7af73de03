package deploy_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/deploy"
)

// driftServer answers as CloudFormation's API reference has it: the laptop and moto have no drift.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResourceDrifts.html
type driftServer struct{ asked []string }

func (s *driftServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	action := r.Form.Get("Action")
	s.asked = append(s.asked, action)
	answer := func(result string) {
		_, _ = fmt.Fprintf(w, `<%[1]sResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>`, action, result)
	}
	switch {
	case r.Form.Get("StackName") == "Busy":
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `<ErrorResponse><Error><Code>ValidationError</Code><Message>Drift detection cannot be performed on stack [Busy] while it is in the state UPDATE_IN_PROGRESS</Message></Error></ErrorResponse>`)
	case action == "DetectStackDrift":
		answer(`<StackDriftDetectionId>id-` + r.Form.Get("StackName") + `</StackDriftDetectionId>`)
	case action == "DescribeStackDriftDetectionStatus" && len(s.asked) < 4:
		answer(`<StackId>s</StackId><StackDriftDetectionId>id</StackDriftDetectionId><Timestamp>2026-11-23T00:00:00Z</Timestamp><DetectionStatus>DETECTION_IN_PROGRESS</DetectionStatus>`)
	case action == "DescribeStackDriftDetectionStatus" && r.Form.Get("StackDriftDetectionId") == "id-Shop":
		answer(`<StackId>s</StackId><StackDriftDetectionId>id-Shop</StackDriftDetectionId><Timestamp>2026-11-23T00:00:00Z</Timestamp>
			<DetectionStatus>DETECTION_COMPLETE</DetectionStatus><StackDriftStatus>DRIFTED</StackDriftStatus><DriftedStackResourceCount>2</DriftedStackResourceCount>`)
	case action == "DescribeStackResourceDrifts" && r.Form.Get("NextToken") == "":
		answer(`<NextToken>more</NextToken><StackResourceDrifts><member><StackId>s</StackId><LogicalResourceId>OrdersFunction</LogicalResourceId>
			<PhysicalResourceId>Shop-Orders</PhysicalResourceId><ResourceType>AWS::Lambda::Function</ResourceType><StackResourceDriftStatus>MODIFIED</StackResourceDriftStatus>
			<Timestamp>2026-11-23T00:00:00Z</Timestamp><PropertyDifferences><member><PropertyPath>/Timeout</PropertyPath><ExpectedValue>3</ExpectedValue>
			<ActualValue>60</ActualValue><DifferenceType>NOT_EQUAL</DifferenceType></member></PropertyDifferences></member></StackResourceDrifts>`)
	case action == "DescribeStackResourceDrifts":
		answer(`<StackResourceDrifts><member><StackId>s</StackId><LogicalResourceId>Queue</LogicalResourceId><PhysicalResourceId>q</PhysicalResourceId>
			<ResourceType>AWS::SQS::Queue</ResourceType><StackResourceDriftStatus>DELETED</StackResourceDriftStatus><Timestamp>2026-11-23T00:00:00Z</Timestamp></member></StackResourceDrifts>`)
	default:
		http.Error(w, "nobody should ask "+action, http.StatusBadRequest)
	}
}

func TestDrift(t *testing.T) {
	t.Parallel()
	s := &driftServer{}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	d := deploy.New(deploy.Config{AWS: aws.Config{Region: "eu-central-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("any", "any", "")}})
	got, err := d.Drift(t.Context(), "Shop")
	if err != nil {
		t.Fatal(err)
	}
	want := &deploy.Drift{Status: "DRIFTED", Resources: []deploy.DriftedResource{
		{LogicalID: "OrdersFunction", Type: "AWS::Lambda::Function", ID: "Shop-Orders", Status: "MODIFIED",
			Differences: []deploy.Difference{{Path: "/Timeout", Kind: "NOT_EQUAL", Expected: "3", Actual: "60"}}},
		{LogicalID: "Queue", Type: "AWS::SQS::Queue", ID: "q", Status: "DELETED"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := strings.Count(strings.Join(s.asked, " "), "DescribeStackDriftDetectionStatus"); n < 2 {
		t.Errorf("it did not wait for the comparison: %q", s.asked)
	}
	if got, err := d.Drift(t.Context(), "Busy"); err != nil || got.Status != "NOT_CHECKED" || !strings.Contains(got.Reason, "UPDATE_IN_PROGRESS") {
		t.Errorf("of a stack that cannot be compared: %+v, %v", got, err)
	}
}
