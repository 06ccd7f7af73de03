package deploy_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/deploy"
	"github.com/ephor-io/ephor/examples/orders/shop"
)

const (
	ordersStack = "Orders"
	ordersLower = "Orders-Warehouse"
)

// ordersWorkflow deploys examples/orders without its monitoring: hook by hook, as provision does.
func (l *life) ordersWorkflow(memory int) *deploy.Workflow {
	app := shop.New()
	for _, f := range app.Functions() {
		f.Memory = memory
	}
	hooks := app.Hooks()
	if _, cannot := l.cannot[imports]; cannot {
		hooks = append(hooks, ephor.Hooks{Service: func(_ context.Context, _ *ephor.Deployment, t *cfn.Template) error {
			return unimport(t)
		}})
	}
	return deploy.NewWorkflow(deploy.WorkflowConfig{
		App: app, Hooks: hooks, Deployer: l.deployer,
		Build: l.build("../examples/orders", ""),
	})
}

// unimport puts an ARN in place of every import.
func unimport(t *cfn.Template) error {
	var walk func(any) any
	walk = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			if _, is := v["Fn::ImportValue"]; is {
				return "arn:aws:sqs:eu-central-1:123456789012:none"
			}
			for key, below := range v {
				v[key] = walk(below)
			}
		case []any:
			for i := range v {
				v[i] = walk(v[i])
			}
		}
		return v
	}
	for id, r := range t.Resources {
		data, err := json.Marshal(r)
		var plain map[string]any
		if err = errors.Join(err, json.Unmarshal(data, &plain)); err != nil {
			return err
		}
		r.Properties, _ = walk(plain["Properties"]).(map[string]any)
		t.Resources[id] = r
	}
	return nil
}

// orders deploys the example, lets an order go through it, updates and deletes it.
func (l *life) orders(t *testing.T) {
	fills := l.begin(t, ordersStack, ordersLower)
	if plans, err := l.ordersWorkflow(128).DryRun(t.Context()); err != nil || len(plans) != 2 {
		t.Fatalf("the dry run: %v, %v", plans, err)
	}
	result, err := l.ordersWorkflow(128).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if l.can(t, invokes) {
		parcels := result.Outputs[deploy.OutputBucket("Parcels")]
		fills(parcels)
		l.order(t, result.Outputs[deploy.OutputAPI], parcels, result.Lower[ordersLower]["QueueUrl"])
	}
	if l.can(t, seesNoChange) {
		if again, err := l.ordersWorkflow(128).Run(t.Context()); err != nil || !again.Unchanged {
			t.Errorf("once more: %+v, %v", again, err)
		}
	}
	if changed, err := l.ordersWorkflow(256).Run(t.Context()); err != nil || changed.Unchanged {
		t.Errorf("with more memory: %+v, %v", changed, err)
	}
	if l.can(t, refusesDelete) {
		var used *deploy.InUseError
		if err := l.deployer.Delete(t.Context(), ordersLower); !errors.As(err, &used) || !cmp.Equal(used.Stacks(), []string{ordersStack}) {
			t.Errorf("deleting the warehouse: %v", err)
		}
	}
}

// order sends one through all parts: API, queue, function, bucket, event, function, the other stack's queue.
func (l *life) order(t *testing.T, api, parcels, warehouse string) {
	t.Helper()
	var id string
	l.until(t, "the API answers", func() bool { // a new stage takes its time on AWS
		r, err := http.Post(strings.TrimSuffix(api, "/")+"/orders", "application/json", strings.NewReader(`{"item": "map", "copies": 3}`))
		if err != nil {
			t.Log(err)
			return false
		}
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		var answer struct{ ID string }
		if err = errors.Join(err, json.Unmarshal(body, &answer)); err != nil || r.StatusCode != http.StatusAccepted {
			t.Logf("%s %s: %v", r.Status, body, err)
			return false
		}
		id = answer.ID
		return true
	})
	queues := sqs.NewFromConfig(l.config)
	l.until(t, "the warehouse hears of the order", func() bool {
		out, err := queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &warehouse, WaitTimeSeconds: 5})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out.Messages {
			if strings.Contains(*m.Body, id) {
				return true
			}
		}
		return false
	})
	if _, err := l.objects().HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &parcels, Key: aws.String("packed/" + id + ".json")}); err != nil {
		t.Errorf("the parcel: %v", err)
	}
}

// until waits for what AWS takes its time for.
func (l *life) until(t *testing.T, what string, check func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Minute); !check(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within five minutes: %s", what)
		}
	}
}

func (l *life) objects() *s3.Client {
	return s3.NewFromConfig(l.config, func(o *s3.Options) { o.UsePathStyle = l.config.BaseEndpoint != nil })
}

// empty deletes a bucket's objects, without which a stack cannot delete it.
func (l *life) empty(ctx context.Context, bucket string) error {
	for pages := s3.NewListObjectsV2Paginator(l.objects(), &s3.ListObjectsV2Input{Bucket: &bucket}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, o := range page.Contents {
			if _, err := l.objects().DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: o.Key}); err != nil {
				return err
			}
		}
	}
	return nil
}
