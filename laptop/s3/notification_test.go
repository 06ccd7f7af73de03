package s3

import (
	"context"
	"strings"
	"testing"
)

// anyFunction may be called by every bucket.
type anyFunction struct{}

func (anyFunction) MayInvoke(_, _ string) error                           { return nil }
func (anyFunction) Invoke(_ context.Context, _, _ string, _ []byte) error { return nil }

// Each notification has an ID of its own: the one that it is given, or one that is made up. See
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_LambdaFunctionConfiguration.html
func TestNotificationIDs(t *testing.T) {
	t.Parallel()
	s, err := Open(Config{Dir: t.TempDir(), Functions: anyFunction{}})
	must(t, err)
	one := func(id, prefix string) Notification {
		return Notification{ID: id, Function: "f", Events: []string{"s3:ObjectCreated:*"}, Prefix: prefix}
	}
	got, err := s.checkNotifications("bkt", []Notification{one("", "a/"), one("mine", "b/"), one("", "c/")})
	must(t, err)
	if got[0].ID == "" || got[2].ID == "" || got[0].ID == got[2].ID || got[1].ID != "mine" {
		t.Errorf("IDs %q, %q, %q", got[0].ID, got[1].ID, got[2].ID)
	}
	_, err = s.checkNotifications("bkt", []Notification{one("same", "a/"), one("same", "b/")})
	wants(t, err, "InvalidArgument")
	if err == nil || !strings.Contains(err.Error(), "Same ID used for multiple configurations") {
		t.Errorf("two of one ID: %v", err)
	}
	_, err = s.checkNotifications("bkt", []Notification{one("x", "a/"), one("y", "a/b")})
	wants(t, err, "InvalidArgument")
}
