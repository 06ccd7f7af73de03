package metrics_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/ephor-io/ephor/metrics"
)

// A program with a handler of its own, a set of its own and a store of its own; one that runs in
// Lambda needs no more than lambda.Start(metrics.Wrap(handler)).
func Example() {
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		points, _ := io.ReadAll(r.Body)
		for p := range strings.Lines(string(points)) {
			if series, rest, _ := strings.Cut(p, " "); strings.HasPrefix(series, "hellos") {
				fields, _, _ := strings.Cut(rest, " ")
				fmt.Println(series, fields)
			}
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer store.Close()

	set := new(metrics.Set)
	hellos, err := set.Counter("hellos", metrics.With("language", "en"))
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := metrics.Open(metrics.Config{URL: store.URL, Function: "hello", Set: set})
	if err != nil {
		fmt.Println(err)
		return
	}
	hellos.Add(2)
	if err := p.Close(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output: hellos,function=hello,language=en count=2i,total=2i
}

// printer is a store that prints the points of a program's own, without instance and time.
func printer() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		points, _ := io.ReadAll(r.Body)
		for p := range strings.Lines(string(points)) {
			if !strings.HasPrefix(p, "publisher") && !strings.HasPrefix(p, "runtime") {
				fmt.Println(p[:strings.LastIndexByte(p, ' ')])
			}
		}
		w.WriteHeader(http.StatusNoContent)
	}))
}

// A program without a handler says itself when to publish: each point holds what was added since
// the one before.
func ExamplePublisher_Flush() {
	store := printer()
	defer store.Close()
	set := new(metrics.Set)
	jobs, err := set.Counter("jobs")
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := metrics.Open(metrics.Config{URL: store.URL, FlushTimeout: time.Minute, Set: set})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, n := range []int64{3, 4} {
		jobs.Add(n)
		if err := p.Flush(context.Background()); err != nil {
			fmt.Println(err)
		}
	}
	if err := p.Close(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// jobs count=3i,total=3i
	// jobs count=4i,total=7i
}

// A gauge by function is asked at every flush, and published when its value has changed.
func ExampleSet_GaugeFunc() {
	store := printer()
	defer store.Close()
	set := new(metrics.Set)
	queue := make(chan string, 10)
	if _, err := set.GaugeFunc("queued", func() float64 { return float64(len(queue)) }); err != nil {
		fmt.Println(err)
		return
	}
	p, err := metrics.Open(metrics.Config{URL: store.URL, FlushTimeout: time.Minute, Set: set})
	if err != nil {
		fmt.Println(err)
		return
	}
	queue <- "an order"
	queue <- "another"
	if err := p.Close(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output: queued value=2
}

// What a store could not hold, or the publisher itself sets, is refused when an instrument is made.
func ExampleSet_Counter() {
	set := new(metrics.Set)
	for _, name := range []string{"orders", "invocation", "_orders"} {
		_, err := set.Counter(name)
		fmt.Println(err)
	}
	_, err := set.Counter("orders", metrics.With("kind", "book"))
	fmt.Println(err)
	// Output:
	// <nil>
	// instrument "invocation": the measurement of that name is the publisher's own
	// instrument "_orders": series of "_orders": its name begins with an underscore, which stores keep for themselves
	// instrument "orders,kind=book": another one of that name has the tags [], and InfluxDB 3 wants the same on all
}

func ExampleQuantile() {
	// What two environments published, as field b_048 and others, added up.
	var buckets [metrics.Buckets]int64
	buckets[48] += 90 // from 1 ms to 1.1 ms
	buckets[96] += 10 // from 100 ms to 110 ms
	fmt.Printf("%.2f %.0f\n", metrics.Quantile(0.5, &buckets), metrics.Quantile(0.99, &buckets))
	// Output: 1.05 105
}
