package loss_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/influx"
	"github.com/ephor-io/ephor/internal/influxdtest"
	"github.com/ephor-io/ephor/loss"
)

const second = int64(time.Second)

// What the store holds. Each environment has two invocations a batch, a second apart.
//
//	whole    batches 1 2 3, the last one final
//	gap      batches 1 3, no final one
//	dropped  batches 1 2, of which the second tells that 4 points were given up
//	silent   nothing
//	other    belongs to another Lambda service
func points() string {
	var b strings.Builder
	batch := func(instance string, seq int64, dropped int, final bool) {
		at := seq * 10 * second
		for i := range int64(2) {
			fmt.Fprintf(&b, "invocation,function=f,instance=%s,version=1 duration_ms=1,ok=true %d\n", instance, at+i*second)
		}
		more := ""
		if final {
			more = ",final=true"
		}
		fmt.Fprintf(&b, "publisher,function=f,instance=%s,version=1 seq=%di,dropped=%di%s %d\n", instance, seq, dropped, more, at+2*second)
	}
	batch("whole", 1, 0, false)
	batch("whole", 2, 0, false)
	batch("whole", 3, 0, true)
	batch("gap", 1, 0, false)
	batch("gap", 3, 0, false)
	batch("dropped", 1, 0, false)
	batch("dropped", 2, 4, true)
	batch("other", 1, 0, false)
	return b.String()
}

func env(instance string) loss.Environment {
	return loss.Environment{Function: "f", Instance: instance}
}

func account(t *testing.T, store string) {
	post(t, store+"/write?db=ephor", points())
	ask := func(_ context.Context, q string) ([]loss.Series, error) { return query(t, store, q), nil }
	served := map[loss.Environment]int64{env("whole"): 6, env("gap"): 6, env("dropped"): 5, env("silent"): 3}

	got, err := loss.Account(t.Context(), ask, loss.Period{}, served)
	if err != nil {
		t.Fatal(err)
	}
	want := loss.Report{Served: 20, Recorded: 14, Losses: []loss.Loss{
		{Environment: env("silent"), Served: 3},
		{Environment: env("gap"), Served: 6, Recorded: 4, Batches: 1, Silent: time.Unix(32, 0)},
		{Environment: env("dropped"), Served: 5, Recorded: 4, Dropped: 4, Final: true, Silent: time.Unix(22, 0)},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("all of it (-want +got):\n%s", diff)
	}

	// Every invocation is there, and other points are not.
	got, err = loss.Account(t.Context(), ask, loss.Period{}, map[loss.Environment]int64{env("whole"): 6, env("gap"): 4, env("dropped"): 4})
	if err != nil {
		t.Fatal(err)
	}
	want = loss.Report{Served: 14, Recorded: 14, Losses: []loss.Loss{
		{Environment: env("dropped"), Served: 4, Recorded: 4, Dropped: 4, Final: true, Silent: time.Unix(22, 0)},
		{Environment: env("gap"), Served: 4, Recorded: 4, Batches: 1, Silent: time.Unix(32, 0)},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("no invocation lost (-want +got):\n%s", diff)
	}

	// A period in which only the second batches lie.
	got, err = loss.Account(t.Context(), ask, loss.Period{From: time.Unix(20, 0), To: time.Unix(30, 0)},
		map[loss.Environment]int64{env("whole"): 2, env("gap"): 2})
	if err != nil {
		t.Fatal(err)
	}
	want = loss.Report{Served: 4, Recorded: 2, Losses: []loss.Loss{{Environment: env("gap"), Served: 2}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a period (-want +got):\n%s", diff)
	}
}

func TestAccount(t *testing.T) {
	t.Parallel()
	store, err := influx.Open(influx.Config{Dir: t.TempDir(), Database: "ephor"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	server := httptest.NewServer(store)
	t.Cleanup(server.Close)
	account(t, server.URL)
}

func TestAccountOnInfluxd(t *testing.T) {
	t.Parallel()
	account(t, influxdtest.Start(t, "ephor"))
}

func TestEmptyStore(t *testing.T) {
	t.Parallel()
	nothing := func(context.Context, string) ([]loss.Series, error) { return nil, nil }
	got, err := loss.Account(t.Context(), nothing, loss.Period{}, map[loss.Environment]int64{env("a"): 2})
	if err != nil {
		t.Fatal(err)
	}
	if want := (loss.Report{Served: 2, Losses: []loss.Loss{{Environment: env("a"), Served: 2}}}); !cmp.Equal(want, got) {
		t.Error(cmp.Diff(want, got))
	}
	if got, err := loss.Account(t.Context(), nothing, loss.Period{}, nil); err != nil || !cmp.Equal(got, loss.Report{}) {
		t.Errorf("nothing served: %+v, %v", got, err)
	}
}

func TestWhy(t *testing.T) {
	t.Parallel()
	for want, l := range map[string]loss.Loss{
		"gave up 4 points":           {Dropped: 4, Final: true, Silent: time.Unix(1, 0)},
		"2 of its batches are not":   {Batches: 2, Final: true, Silent: time.Unix(1, 0)},
		"has never heard of it":      {},
		"without a final batch":      {Silent: time.Unix(1, 0)},
		"ended by Lambda before the": {Final: true, Silent: time.Unix(1, 0)},
	} {
		if got := l.Why(); !strings.Contains(got, want) {
			t.Errorf("%+v: %q, want %q in it", l, got, want)
		}
	}
}

// What is lost is told first, and of an environment that has lost points alone no more than is known of them.
func TestWhat(t *testing.T) {
	t.Parallel()
	f := func(want string, l loss.Loss) {
		t.Helper()
		if got := l.What() + ": " + l.Why(); !strings.HasPrefix(got, want) || l.Lost() == 0 && strings.Contains(got, "silent") {
			t.Errorf("%+v: %q, want %q first", l, got, want)
		}
	}
	f("2 of 3 lost: ", loss.Loss{Served: 3, Recorded: 1, Dropped: 4})
	f("4 points lost: its publisher gave up 4 points", loss.Loss{Served: 1, Recorded: 1, Dropped: 4, Batches: 1, Silent: time.Unix(1, 0)})
	f("2 batches lost: 2 of its batches are not", loss.Loss{Served: 1, Recorded: 1, Batches: 2, Silent: time.Unix(1, 0)})
}

func post(t *testing.T, url, body string) {
	t.Helper()
	resp, err := http.Post(url, "text/plain", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		text, err := io.ReadAll(resp.Body)
		t.Fatal(resp.Status, string(text), err)
	}
}

func query(t *testing.T, store, q string) []loss.Series {
	t.Helper()
	resp, err := http.PostForm(store+"/query", url.Values{"db": {"ephor"}, "q": {q}, "epoch": {"ns"}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Results []struct {
			Series []loss.Series
			Error  string
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || len(answer.Results) != 1 || answer.Results[0].Error != "" {
		t.Fatalf("%s: %+v (%v)", q, answer, err)
	}
	return answer.Results[0].Series
}
