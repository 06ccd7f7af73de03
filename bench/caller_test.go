package bench

import (
	"io"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"
)

// BenchmarkCaller is what the publisher adds to the time until a caller has the response of a handler that does
// nothing: a request through the gateway of an application with a monitoring stack, one without, and
// the latter once more as a control, in an order that is drawn. Each comes when the environment has
// had the time to publish and to be frozen, as under a load that leaves the machine idle.
func BenchmarkCaller(b *testing.B) {
	type caller struct {
		name, url string
		took      []float64 // microseconds
	}
	without, with := start(b, unmonitored).API+"/", start(b, monitored).API+"/"
	base := &caller{name: "without", url: without}
	all := []*caller{base, {name: "with", url: with}, {name: "control", url: without}, {name: "with-again", url: with}}
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	turn := func() {
		rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, c := range all {
			time.Sleep(5 * time.Millisecond)
			began := time.Now()
			response, err := client.Get(c.url)
			if err != nil {
				b.Fatal(err)
			}
			_, err = io.Copy(io.Discard, response.Body)
			c.took = append(c.took, float64(time.Since(began))/float64(time.Microsecond))
			if response.Body.Close(); err != nil || response.StatusCode != http.StatusOK {
				b.Fatal(response.Status, err)
			}
		}
	}
	for range 20 {
		turn()
	}
	for _, c := range all {
		c.took = nil
	}
	for b.Loop() {
		turn()
	}
	b.ReportMetric(0, "ns/op")
	for _, c := range all {
		b.ReportMetric(median(c.took), c.name+"-p50-µs")
		if c != base {
			b.ReportMetric(median(c.took)/median(base.took), c.name+"-times")
		}
	}
}
