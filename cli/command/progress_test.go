package command

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/deploy"
)

// What takes its time is named every now and then, until it is done.
func TestProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		out := newTerminal(&b)
		p := out.follow()
		at := func(id, status, reason string) {
			p.show(deploy.ResourceChanged{Stack: "S", LogicalID: id, Type: "AWS::X::Y", Status: status, Reason: reason, Took: time.Second})
		}
		at("Host", "CREATE_IN_PROGRESS", "")
		time.Sleep(20 * time.Second)
		at("Host", "CREATE_IN_PROGRESS", "Resource creation Initiated")
		at("Role", "CREATE_IN_PROGRESS", "")
		at("Role", "CREATE_COMPLETE", "")
		time.Sleep(16 * time.Second)
		at("Host", "CREATE_COMPLETE", "")
		time.Sleep(time.Minute)
		p.close()
		out.close()
		want := "  Host                               AWS::X::Y                            CREATE_IN_PROGRESS for 15.0 s\n" +
			"  Role                               AWS::X::Y                            CREATE_COMPLETE 1.0 s\n" +
			"  Host                               AWS::X::Y                            CREATE_IN_PROGRESS for 35.0 s\n" +
			"  Host                               AWS::X::Y                            CREATE_COMPLETE 1.0 s\n"
		if diff := cmp.Diff(want, b.String()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
