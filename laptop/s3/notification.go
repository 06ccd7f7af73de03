package s3

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// Notification lets what happens to a bucket's objects call a function.
//
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_LambdaFunctionConfiguration.html
type Notification struct {
	ID       string // made up if it is empty
	Function string // its ARN
	Events   []string
	// Prefix and Suffix of the key, as it is; "" means any.
	Prefix, Suffix string
}

// Functions is what notifications call.
type Functions interface {
	// MayInvoke tells why a bucket, named by its ARN, may not call a function.
	MayInvoke(function, bucketARN string) error
	// Invoke hands a function an event, and returns when that is durable.
	Invoke(ctx context.Context, function, bucketARN string, event []byte) error
}

// Bus is EventBridge's bus default.
type Bus interface {
	// Emit puts an event of S3's on it, with a detail that is JSON, and returns when it cannot be lost.
	Emit(bucketARN, detailType string, detail []byte) error
}

// events that a notification can be for, as in
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
func knownEvent(name string) bool {
	switch name {
	case "s3:ObjectCreated:*", "s3:ObjectCreated:Put", "s3:ObjectCreated:Post", "s3:ObjectCreated:Copy", "s3:ObjectCreated:CompleteMultipartUpload",
		"s3:ObjectRemoved:*", "s3:ObjectRemoved:Delete", "s3:ObjectRemoved:DeleteMarkerCreated":
		return true
	}
	return false
}

func bucketARN(bucket string) string { return "arn:aws:s3:::" + bucket }

// checkNotifications completes notifications and reports what a bucket cannot have.
func (s *Service) checkNotifications(bucket string, all []Notification) ([]Notification, error) {
	bad := func(format string, args ...any) error { return fail("InvalidArgument", 400, format, args...) }
	out := slices.Clone(all)
	for i := range out {
		n := &out[i]
		if n.ID == "" {
			n.ID = awsproto.NewID()
		}
		for _, e := range n.Events {
			if !knownEvent(e) {
				return nil, bad("The event '%s' is not supported for notifications on this machine: there are s3:ObjectCreated:* and s3:ObjectRemoved:*, and their parts", e)
			}
		}
		if len(n.Events) == 0 {
			return nil, bad("a notification for no event")
		}
		for _, o := range out[:i] {
			if o.ID == n.ID {
				return nil, bad("Same ID used for multiple configurations. IDs must be unique")
			}
			if o.overlaps(*n) {
				return nil, bad("Configurations overlap. Configurations on the same bucket cannot share a common event type.")
			}
		}
		if s.config.Functions == nil {
			return nil, notImplemented("A notification without functions")
		}
		if err := s.config.Functions.MayInvoke(n.Function, bucketARN(bucket)); err != nil {
			return nil, bad("Unable to validate the following destination configurations: %s: %v", n.Function, err)
		}
	}
	return out, nil
}

// covers says that an event of a notification is meant by one of a happening, without s3:.
func covers(event, happened string) bool {
	event = strings.TrimPrefix(event, "s3:")
	if all, ok := strings.CutSuffix(event, "*"); ok {
		return strings.HasPrefix(happened, all)
	}
	return event == happened
}

func (n Notification) overlaps(o Notification) bool {
	shared := slices.ContainsFunc(n.Events, func(e string) bool {
		return slices.ContainsFunc(o.Events, func(f string) bool {
			return covers(e, strings.TrimPrefix(f, "s3:")) || covers(f, strings.TrimPrefix(e, "s3:"))
		})
	})
	return shared && (strings.HasPrefix(n.Prefix, o.Prefix) || strings.HasPrefix(o.Prefix, n.Prefix)) &&
		(strings.HasSuffix(n.Suffix, o.Suffix) || strings.HasSuffix(o.Suffix, n.Suffix))
}

// sequencer makes sequencers that grow, within a millisecond, too.
type sequencer struct{ last atomic.Int64 }

func (s *sequencer) next(now time.Time) string {
	for {
		last := s.last.Load()
		n := max(last+1, now.UnixNano())
		if s.last.CompareAndSwap(last, n) {
			return fmt.Sprintf("%018X", n)
		}
	}
}

// notify hands what happened to an object to the functions that want to know it. Whoever made it happen
// is answered afterwards: what was acknowledged is told, also after a crash.
func (s *Service) notify(b Bucket, happened string, o Object) {
	if b.EventBridge && s.config.Bus != nil {
		if err := s.emit(b.Name, happened, o); err != nil {
			s.config.Problem(fmt.Errorf("telling EventBridge of %s %s in bucket %s: %w", happened, o.Key, b.Name, err))
		}
	}
	for _, n := range b.Notifications {
		if !slices.ContainsFunc(n.Events, func(e string) bool { return covers(e, happened) }) ||
			!strings.HasPrefix(o.Key, n.Prefix) || !strings.HasSuffix(o.Key, n.Suffix) {
			continue
		}
		event, err := s.event(b.Name, n.ID, happened, o)
		if err == nil {
			err = s.config.Functions.Invoke(context.Background(), n.Function, bucketARN(b.Name), event)
		}
		if err != nil {
			s.config.Problem(fmt.Errorf("telling %s of %s %s in bucket %s: %w", n.Function, happened, o.Key, b.Name, err))
		}
	}
}

// emit tells EventBridge what happened:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
func (s *Service) emit(bucket, happened string, o Object) error {
	type object struct {
		Key       string `json:"key"`
		Size      *int64 `json:"size,omitempty"`
		ETag      string `json:"etag,omitempty"`
		VersionID string `json:"version-id,omitempty"`
		Sequencer string `json:"sequencer"`
	}
	detail := map[string]any{"version": "0", "bucket": map[string]string{"name": bucket}, "request-id": awsproto.NewID(), "requester": s.config.Account, "source-ip-address": "127.0.0.1"}
	one := object{Key: o.Key, ETag: o.ETag, Sequencer: s.sequence.next(time.Now())}
	if o.VersionID != "null" {
		one.VersionID = o.VersionID
	}
	kind, how, _ := strings.Cut(happened, ":")
	name := map[string]string{"Put": "PutObject", "Post": "POST Object", "Copy": "CopyObject", "CompleteMultipartUpload": "CompleteMultipartUpload", "Delete": "DeleteObject", "DeleteMarkerCreated": "DeleteObject"}[how]
	detail["reason"] = name
	detailType := "Object Created"
	if kind == "ObjectCreated" {
		one.Size = &o.Size
	} else {
		detailType = "Object Deleted"
		detail["deletion-type"] = map[string]string{"Delete": "Permanently Deleted", "DeleteMarkerCreated": "Delete Marker Created"}[how]
	}
	detail["object"] = one
	data, err := json.Marshal(detail)
	if err != nil {
		return err
	}
	return s.config.Bus.Emit(bucketARN(bucket), detailType, data)
}

// event is what a function gets:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
func (s *Service) event(bucket, configuration, happened string, o Object) ([]byte, error) {
	type principal struct {
		ID string `json:"principalId"`
	}
	type object struct {
		Key       string `json:"key"` // encoded as in a form
		Size      *int64 `json:"size,omitempty"`
		ETag      string `json:"eTag,omitempty"`
		VersionID string `json:"versionId,omitempty"`
		Sequencer string `json:"sequencer"`
	}
	t := time.Now()
	out := object{Key: strings.ReplaceAll(url.QueryEscape(o.Key), "%2F", "/"), ETag: o.ETag, Sequencer: s.sequence.next(t)}
	if o.VersionID != "null" {
		out.VersionID = o.VersionID
	}
	if strings.HasPrefix(happened, "ObjectCreated:") {
		out.Size = &o.Size
	}
	id := awsproto.NewID()
	record := map[string]any{
		"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": s.config.Region, "eventTime": t.UTC().Format(timeFormat), "eventName": happened,
		"userIdentity":      principal{"AWS:" + s.config.Account},
		"requestParameters": map[string]string{"sourceIPAddress": "127.0.0.1"},
		"responseElements":  map[string]string{"x-amz-request-id": id, "x-amz-id-2": id},
		"s3": map[string]any{"s3SchemaVersion": "1.0", "configurationId": configuration,
			"bucket": map[string]any{"name": bucket, "ownerIdentity": principal{s.config.Account}, "arn": bucketARN(bucket)}, "object": out},
	}
	return json.Marshal(map[string]any{"Records": []any{record}})
}
