package deploy_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/deploy"
)

// A parameter that is not given keeps the value that it has, and does not fall back to its default.
func TestParametersAreKept(t *testing.T) {
	t.Parallel()
	d, _, _ := deployer(t)
	s := stackOf("Kept", map[string]cfn.Resource{"Queue": {Type: "AWS::SQS::Queue"}})
	s.Template.Parameters = map[string]cfn.Parameter{"Delay": {Type: "Number", Default: 1}}
	s.Parameters = map[string]string{"Delay": "7"}
	s.Template.Outputs = map[string]cfn.Output{"Delay": {Value: cfn.Ref("Delay")}}
	if _, err := d.Converge(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	s.Parameters = nil
	s.Template.Resources["More"] = cfn.Resource{Type: "AWS::SQS::Queue"}
	r, err := d.Converge(t.Context(), s)
	if err != nil || r.Unchanged || r.Outputs["Delay"] != "7" {
		t.Errorf("%+v, %v", r, err)
	}
}

// A stack whose deletion failed is deleted, and made anew, as soon as what kept it is gone.
func TestAStackWhoseDeletionFailed(t *testing.T) {
	t.Parallel()
	d, config, _ := deployer(t)
	files := s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true })
	s := stackOf("Full", map[string]cfn.Resource{"Files": named("AWS::S3::Bucket", "BucketName", "full-files")})
	if _, err := d.Converge(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if _, err := files.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("full-files"), Key: aws.String("key"), Body: strings.NewReader("x")}); err != nil {
		t.Fatal(err)
	}
	var failed *deploy.StackError
	if err := d.Delete(t.Context(), "Full"); !errors.As(err, &failed) || failed.Status != "DELETE_FAILED" || failed.Resource != "Files" {
		t.Fatalf("%v (%+v)", err, failed)
	}
	if p, err := d.DryRun(t.Context(), s, nil); err != nil || p.Action != "create" || !strings.Contains(p.Note, "it is DELETE_FAILED, so it would be deleted first") {
		t.Errorf("a dry run then: %+v, %v", p, err)
	}
	if _, err := files.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("full-files"), Key: aws.String("key")}); err != nil {
		t.Fatal(err)
	}
	if r, err := d.Converge(t.Context(), s); err != nil || r.Unchanged {
		t.Errorf("%+v, %v", r, err)
	}
	if is, err := d.State(t.Context(), "Full"); err != nil || is.Status != "CREATE_COMPLETE" {
		t.Errorf("%+v, %v", is, err)
	}
}

// A stack whose update could not be rolled back takes no change, and a dry run of one says so.
func TestAStackWhoseRollbackFailed(t *testing.T) {
	t.Parallel()
	s := service(func(r *http.Request) (int, string, error) {
		body, err := io.ReadAll(r.Body)
		if err != nil || !strings.Contains(string(body), "Action=DescribeStacks&") {
			t.Errorf("%s was asked for (%v)", body, err)
			return 500, "", err
		}
		return 200, `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>Stuck</StackName><StackId>arn:stuck</StackId><CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>UPDATE_ROLLBACK_FAILED</StackStatus></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`, nil
	})
	d := deploy.New(deploy.Config{AWS: s.config()})
	stack := stackOf("Stuck", map[string]cfn.Resource{"Queue": {Type: "AWS::SQS::Queue"}})
	_, dry := d.DryRun(t.Context(), stack, nil)
	_, err := d.Converge(t.Context(), stack)
	for _, err := range []error{dry, err} {
		var failed *deploy.StackError
		if !errors.As(err, &failed) || failed.Status != "UPDATE_ROLLBACK_FAILED" || !strings.Contains(failed.Hint(""), "continue-update-rollback --stack-name Stuck") {
			t.Errorf("%v (%+v)", err, failed)
		}
	}
}
