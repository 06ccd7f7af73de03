package gometrics

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"slices"
	"strings"
	"time"

	gm "github.com/rcrowley/go-metrics"

	"github.com/ephor-io/ephor/metrics"
)

// InfluxDB is InfluxDBWithTags without tags.
func InfluxDB(r gm.Registry, d time.Duration, url, database, username, password string) {
	InfluxDBWithTags(r, d, url, database, username, password, nil)
}

// InfluxDBWithTags stands in for the function of that name in
// github.com/vrischmann/go-metrics-influxdb, which a program starts as a goroutine: with the
// import
//
//	influxdb "github.com/ephor-io/ephor/metrics/gometrics"
//
// the rest stays as it is. It publishes the registry through the default set, and it does not
// return. Where EPHOR_STORE_URL is set, the store of the environment is meant, and url, database,
// username and password are not looked at.
//
// Inside Lambda a ticker of d says nothing about when the environment is frozen. So the publisher
// registers as an extension: what an invocation measured is published at once if the handler is
// wrapped with metrics.Wrap, and else at the latest beside the next invocation or when the
// environment ends.
//
// Lambda lets an extension register only until the runtime asks for its first invocation, and a
// goroutine may be later than that; the log then says so, and what was measured since the last tick
// is lost with the environment. Two lines in main, Publish and metrics.Wrap, are never late.
func InfluxDBWithTags(r gm.Registry, d time.Duration, url, database, username, password string, tags map[string]string) {
	publishEvery(context.Background(), nil, r, d, fromArguments(url, database, username, password), tags)
}

func fromArguments(url, database, username, password string) metrics.Config {
	c, err := metrics.FromEnv(nil)
	if err != nil {
		log.Printf("ephor: %v", err)
	}
	if c.URL != "" {
		return c
	}
	c.URL, c.Database = url, database
	if username != "" {
		c.Token = username + ":" + password
	}
	if c.Instance == "" {
		// Two processes must not overwrite each other's points.
		host, err := os.Hostname()
		if err != nil {
			host = "unknown"
		}
		c.Instance = fmt.Sprintf("%s/%d", host, os.Getpid())
	}
	return c
}

// publishEvery publishes until ctx ends; set is nil for the default one.
func publishEvery(ctx context.Context, set *metrics.Set, r gm.Registry, d time.Duration, c metrics.Config, tags map[string]string) {
	var all []metrics.Tag
	for k, v := range tags {
		all = append(all, metrics.With(k, v))
	}
	slices.SortFunc(all, func(a, b metrics.Tag) int { return strings.Compare(a.Key, b.Key) })
	stop, err := Publish(Config{Registry: r, Set: set, Tags: all})
	if err != nil {
		log.Printf("ephor: metrics are not published: %v", err)
		return
	}
	defer stop()
	c.Set = set
	p, err := metrics.Open(c)
	if errors.Is(err, metrics.ErrHasPublisher) {
		// metrics.Wrap was here first, and its publisher has the registry now.
		<-ctx.Done()
		return
	}
	if err != nil {
		log.Printf("ephor: metrics are not published: %v", err)
		return
	}
	tick := time.NewTicker(max(d, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			// What could not be sent waits; the publisher itself says so in the log, once.
			_ = p.Flush(ctx)
		case <-ctx.Done():
			within, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			if err := p.Close(within); err != nil {
				log.Printf("ephor: %v", err)
			}
			return
		}
	}
}
