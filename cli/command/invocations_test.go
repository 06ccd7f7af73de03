package command

import (
	"context"
	"fmt"
	"net"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/schemas"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go/transport/http/protocol/awsquery"
	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/internal/cloudwatchtest"
	"github.com/ephor-io/ephor/loss"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestCountable(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	f := func(from, to time.Time, unit time.Duration, wantFrom, wantTo time.Time) {
		t.Helper()
		got, gotUnit, err := countable(loss.Period{From: from, To: to}, noon, 10*time.Second)
		if want := (loss.Period{From: wantFrom, To: wantTo}); err != nil || gotUnit != unit || !cmp.Equal(got, want) {
			t.Errorf("%v to %v: %v by %v (%v), want %v", from, to, got, gotUnit, err, want)
		}
	}
	at := func(d time.Duration) time.Time { return noon.Add(-d) }
	end := at(4 * time.Minute) // three minutes and a timeout ago, rounded down
	f(at(10*time.Minute+20*time.Second), time.Time{}, time.Minute, at(11*time.Minute), end)
	f(at(time.Hour), at(30*time.Minute), time.Minute, at(time.Hour), at(30*time.Minute))
	f(at(20*day+time.Minute), time.Time{}, 5*time.Minute, at(20*day+5*time.Minute), at(5*time.Minute))
	f(at(100*day+time.Minute), time.Time{}, time.Hour, at(100*day+time.Hour), at(time.Hour))
	recent := at(time.Minute)
	f(recent, time.Time{}, time.Minute, recent, recent)
	if _, _, err := countable(loss.Period{From: at(500 * day)}, noon, 0); err == nil || !strings.Contains(err.Error(), "455 days") {
		t.Errorf("500 days: %v", err)
	}
}

func counting() *program {
	app := ephor.New("Shop")
	app.Function("Buy", func() error { return nil })
	app.Function("Sell", func() error { return nil })
	return &program{app: app}
}

func TestInvokedByCloudWatch(t *testing.T) {
	t.Parallel()
	stand := &cloudwatchtest.Server{PageSize: 2}
	server := httptest.NewServer(stand)
	t.Cleanup(server.Close)
	add := func(function string, minutes int, n float64) {
		stand.Add("AWS/Lambda", "Invocations", "FunctionName", function, noon.Add(time.Duration(minutes)*time.Minute), n)
	}
	add("Shop-Buy", -1, 100) // before
	for i := range 7 {
		add("Shop-Buy", i, float64(i+1))
	}
	add("Shop-Buy", 10, 100) // after: the end does not belong to it
	add("Other-Buy", 1, 100)
	client := cloudwatch.NewFromConfig(laptopAWS(server.URL))
	ask := func(p loss.Period, unit time.Duration) (map[string]int64, error) {
		return counting().invoked(t.Context(), client, target{name: targetAWS}, p, unit)
	}
	period := loss.Period{From: noon, To: noon.Add(10 * time.Minute)}
	for _, unit := range []time.Duration{time.Minute, 5 * time.Minute} {
		got, err := ask(period, unit)
		if diff := cmp.Diff(map[string]int64{"Shop-Buy": 28, "Shop-Sell": 0}, got); diff != "" || err != nil {
			t.Errorf("by %v: %v (-want +got)\n%s", unit, err, diff)
		}
	}
	if n := stand.Pages(); n != 4+1 {
		t.Errorf("asked for %d pages", n)
	}
	if got, err := ask(loss.Period{From: noon, To: noon}, time.Minute); err != nil || stand.Pages() != 5 || got["Shop-Buy"] != 0 {
		t.Errorf("an empty period: %v, %v", got, err)
	}
	stand.Incomplete = true
	if got, err := ask(period, time.Minute); err == nil || !strings.Contains(err.Error(), "not complete: InternalError") {
		t.Errorf("an answer that lacks something: %v, %v", got, err)
	}
}

// moto's CloudWatch, which was written by others, in the protocol that it has of those that CloudWatch has.
func TestInvokedByMoto(t *testing.T) {
	t.Parallel()
	client := cloudwatch.NewFromConfig(laptopAWS(startMoto(t)), func(o *cloudwatch.Options) {
		o.Protocol = awsquery.New(schemas.GraniteServiceVersion20100801)
	})
	now := time.Now().UTC().Truncate(time.Minute)
	for i := range 5 {
		_, err := client.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{Namespace: aws.String("AWS/Lambda"), MetricData: []types.MetricDatum{{
			MetricName: aws.String("Invocations"), Value: aws.Float64(float64(i + 1)), Timestamp: aws.Time(now.Add(time.Duration(i-20) * time.Minute)),
			Dimensions: []types.Dimension{{Name: aws.String("FunctionName"), Value: aws.String("Shop-Buy")}},
		}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	period := loss.Period{From: now.Add(-20 * time.Minute), To: now.Add(-16 * time.Minute)}
	got, err := counting().invoked(t.Context(), client, target{name: targetAWS}, period, time.Minute)
	if diff := cmp.Diff(map[string]int64{"Shop-Buy": 1 + 2 + 3 + 4, "Shop-Sell": 0}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

// startMoto starts a moto_server of the test's own.
func startMoto(t *testing.T) (address string) {
	t.Helper()
	program, err := exec.LookPath("moto_server")
	if err != nil {
		t.Skip("moto_server is not installed: pip install 'moto[server]'")
	}
	for range 5 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		l.Close() // it takes no port 0; should another be quicker, it ends and another port is tried
		ctx, cancel := context.WithCancel(context.Background())
		c := exec.CommandContext(ctx, program, "-H", "127.0.0.1", "-p", fmt.Sprint(port))
		var text strings.Builder
		c.Stdout, c.Stderr = &text, &text
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { _ = c.Wait(); close(ended) }() // how it ended, its text tells
		t.Cleanup(func() { cancel(); <-ended })
		for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
			select {
			case <-ended:
				t.Logf("moto_server ended:\n%s", &text)
				deadline = time.Time{}
				continue
			default:
			}
			if conn, err := net.Dial("tcp", l.Addr().String()); err == nil {
				conn.Close()
				return "http://" + l.Addr().String()
			}
		}
	}
	t.Fatal("moto_server did not start")
	return ""
}
