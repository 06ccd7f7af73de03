package command

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/deploy"
)

func TestDriftIsTold(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	r := report{Stacks: []deploy.State{
		{Name: "Shop-Data", Status: "CREATE_COMPLETE", Drift: &deploy.Drift{Status: "IN_SYNC"}},
		{Name: "Shop-Busy", Status: "UPDATE_IN_PROGRESS", Drift: &deploy.Drift{Status: "NOT_CHECKED", Reason: "not now"}},
		{Name: "Shop", Status: "CREATE_COMPLETE", Drift: &deploy.Drift{Status: "DRIFTED", Resources: []deploy.DriftedResource{
			{LogicalID: "F", Type: "AWS::Lambda::Function", ID: "Shop-F", Status: "MODIFIED", Differences: []deploy.Difference{
				{Path: "/Timeout", Expected: "3", Actual: "60"}, {Path: "/Environment", Expected: "{\n}", Actual: "null"}}},
			{LogicalID: "Q", Type: "AWS::SQS::Queue", ID: "q", Status: "DELETED"},
		}}},
	}}
	if err := r.print(&b); err != nil {
		t.Fatal(err)
	}
	want := `Shop-Data  CREATE_COMPLETE  
  drift: as the template says
Shop-Busy  UPDATE_IN_PROGRESS  
  drift: could not be compared with the template: not now
Shop  CREATE_COMPLETE  
  drift: differs from the template
    changed: AWS::Lambda::Function F (Shop-F)
      /Timeout: 60, template: 3
      /Environment: nothing, template: {↵}
    deleted: AWS::SQS::Queue Q (q)
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What the laptop answers to a call that it does not have is told in words.
func TestDriftOnTheLaptopIsRefused(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`<ErrorResponse><Error><Code>InvalidAction</Code><Message>Could not find operation</Message></Error></ErrorResponse>`))
	}))
	t.Cleanup(server.Close)
	p, _, stderr := shopProgram()
	d := deploy.New(deploy.Config{AWS: laptopAWS(server.URL)})
	err := p.askDrift(t.Context(), d, target{name: targetLaptop}, []deploy.State{{Name: "Shop"}, {Name: "Data", Status: "CREATE_COMPLETE"}})
	p.explain(err)
	if want := "error: --drift: the laptop's CloudFormation does not compare stacks with their templates\n  try: status --drift --target aws, or status without --drift\n"; stderr.String() != want {
		t.Errorf("%q", stderr)
	}
}
