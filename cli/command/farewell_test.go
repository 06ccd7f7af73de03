package command

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/deploy"
	"github.com/ephor-io/ephor/laptop"
)

// A bucket that holds something is found before anything is deleted, with the way out.
func TestAFullBucketIsFoundFirst(t *testing.T) {
	t.Parallel()
	l, err := laptop.Start(t.Context(), laptop.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := l.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	config := laptopAWS(l.Addresses().Endpoint)
	p, _, stderr := shopProgram("Handle")
	d := &deploying{Deployer: deploy.New(deploy.Config{App: "Shop", AWS: config}), terminal: newTerminal(stderr)}
	stack := ephor.Stack{Name: "Shop", Template: cfn.Template{Resources: map[string]cfn.Resource{
		"Files": {Type: "AWS::S3::Bucket", Properties: map[string]any{"BucketName": "shop-files"}},
		"Kept":  {Type: "AWS::S3::Bucket", DeletionPolicy: "Retain", Properties: map[string]any{"BucketName": "shop-kept"}},
	}}}
	if _, err := d.Converge(t.Context(), stack); err != nil {
		t.Fatal(err)
	}
	put := func(bucket string) {
		t.Helper()
		client := s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true })
		if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: aws.String("key"), Body: strings.NewReader("12345")}); err != nil {
			t.Fatal(err)
		}
	}
	there := []deploy.State{{Name: "Shop", Status: "CREATE_COMPLETE"}}
	f := deleteFlags{target: target{name: targetLaptop, endpoint: *config.BaseEndpoint}}
	put("shop-kept")
	if err := p.farewell(t.Context(), d, f, there); err != nil {
		t.Errorf("with an object in a bucket that stays: %v", err)
	}
	put("shop-files")
	err = p.farewell(t.Context(), d, f, there)
	if err == nil || !strings.Contains(err.Error(), "bucket shop-files of stack Shop holds 1 object, 5 bytes, and CloudFormation deletes no bucket that holds something; nothing was deleted") {
		t.Fatal(err)
	}
	p.explain(err)
	d.terminal.close()
	for _, want := range []string{"stack Shop:\n  goes: AWS::S3::Bucket Files (shop-files): 0 objects, 0 bytes\n  stays: AWS::S3::Bucket Kept (shop-kept): 1 object, 5 bytes\n",
		"goes: AWS::S3::Bucket Files (shop-files): 1 object, 5 bytes\n", "  try: emptying it, with all versions, and the same again: aws s3 rm s3://shop-files --recursive --endpoint-url " + *config.BaseEndpoint + " --region us-east-1"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("%q is not in\n%s", want, stderr)
		}
	}
}

func TestConfirm(t *testing.T) {
	t.Parallel()
	for typed, yes := range map[string]bool{"y\n": true, "Yes\n": true, "yes": true, "\n": false, "": false, "n\n": false, "maybe\n": false} {
		p, _, stderr := shopProgram()
		p.stdin = strings.NewReader(typed)
		if err := p.confirm(t.Context()); (err == nil) != yes || stderr.String() != "Delete? [y/N] " {
			t.Errorf("%q: %v, %q", typed, err, stderr)
		}
	}
	// Nobody answers, and Ctrl-C ends it.
	ctx, cancel := context.WithCancel(t.Context())
	p, _, _ := shopProgram()
	p.stdin = waiting{t.Context()}
	time.AfterFunc(10*time.Millisecond, cancel)
	if err := p.confirm(ctx); err == nil || err.Error() != "interrupted; nothing was deleted" {
		t.Error(err)
	}
}

// waiting is a reader who waits for somebody to type.
type waiting struct{ ctx context.Context }

func (w waiting) Read([]byte) (int, error) {
	<-w.ctx.Done()
	return 0, w.ctx.Err()
}
