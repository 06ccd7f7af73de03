package cloudformation

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/google/go-cmp/cmp"
)

// Pages of events, newest first, are all of them once, whatever happens between two pages.
func TestEventPages(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.create("S", wide(100))
	want := f.trace("S")
	slices.Reverse(want)
	var got []string
	pages := sdk.NewDescribeStackEventsPaginator(f.client, &sdk.DescribeStackEventsInput{StackName: aws.String("S")})
	for n := 0; pages.HasMorePages(); n++ {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(page.StackEvents) > eventsPage {
			t.Fatalf("a page of %d", len(page.StackEvents))
		}
		for _, e := range page.StackEvents {
			line := aws.ToString(e.LogicalResourceId) + " " + string(e.ResourceStatus)
			if reason := aws.ToString(e.ResourceStatusReason); reason != "" {
				line += " " + reason
			}
			got = append(got, line)
		}
		if n == 0 {
			f.update("S", wide(101))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	f.refuse("DescribeStackEvents", "ValidationError", "NextToken nope is not known: ask for the first page again", "StackName", "S", "NextToken", "nope")
}
