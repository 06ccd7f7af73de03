package metrics_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

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

func ExampleQuantile() {
	// What two environments published, as field b_048 and others, added up.
	var buckets [metrics.Buckets]int64
	buckets[48] += 90 // from 1 ms to 1.1 ms
	buckets[96] += 10 // from 100 ms to 110 ms
	fmt.Printf("%.2f %.0f\n", metrics.Quantile(0.5, &buckets), metrics.Quantile(0.99, &buckets))
	// Output: 1.05 105
}
