// Package logs is CloudWatch Logs on this machine: log groups, log streams and their events, with
// the calls that `aws logs tail`, `aws logs filter-log-events` and the SDKs make, and those by
// which a function writes logs of its own.
//
//	service, err := logs.Open(logs.Config{Dir: dir})
//	w := service.OpenStream("/aws/lambda/hello", "2026/11/22/[$LATEST]4f1c…")
//	w.Append(time.Now(), []byte("START RequestId: …"))
//	w.Commit()
//	…
//	page, err := service.FilterLogEvents(ctx, logs.Query{Group: "/aws/lambda/hello", Pattern: "ERROR"})
//
// What is committed survives the end of this process, however it ends, and can be read as text in
// Config.Dir: a folder per group, a file or two per stream. It is bounded, see [Config].
//
// The API is https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/Welcome.html
package logs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// What the streams of one group may take on disk. Those that are being written share openBytes
// among them, each in two halves of which the older goes first. Of the others the one that was
// written last stays longest.
const (
	openBytes   = 256 << 20
	minHalf     = 128 << 10
	maxHalf     = 4 << 20
	idleBytes   = 64 << 20
	idleStreams = 500
)

// Config says where a Service keeps its events.
type Config struct {
	// Dir holds the state; it is made if missing. A group takes at most 256 MB there for streams
	// that are being written, 8 MB of them for one, and 64 MB and 500 streams for the others; the
	// oldest goes first.
	Dir string
	// Region and Account stand in ARNs; "" means us-east-1 and 000000000000.
	Region, Account string
	// Problem is told what keeps lines from being written, such as a full disk: once for each
	// writer, from many goroutines. Nil is told nothing.
	Problem func(error)
}

// Service is CloudWatch Logs. It is safe for concurrent use.
type Service struct {
	config Config

	mu     sync.RWMutex // guards groups; held while one is made or deleted
	groups map[string]*group

	stop    context.CancelFunc
	sweeper sync.WaitGroup
}

// Open finds the groups and streams that Dir holds. What is in a folder of its own there without
// being a group is left alone.
func Open(config Config) (*Service, error) {
	config.Region = cmp.Or(config.Region, "us-east-1")
	config.Account = cmp.Or(config.Account, "000000000000")
	if config.Problem == nil {
		config.Problem = func(error) {}
	}
	s := &Service{config: config, groups: map[string]*group{}}
	entries, err := os.ReadDir(config.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("opening CloudWatch Logs: %w", err)
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		g, err := s.loadGroup(filepath.Join(config.Dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("opening CloudWatch Logs: %w", err)
		}
		if g != nil {
			s.groups[g.name] = g
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.sweeper.Go(func() { s.sweep(ctx) })
	return s, nil
}

// Close ends the enforcement of retention. Every commit is in its file already.
func (s *Service) Close() error {
	s.stop()
	s.sweeper.Wait()
	return nil
}

// sweepEvery is how often files are removed of which all events are past their retention. What
// is past it is never read, whether it is removed or not.
const sweepEvery = time.Hour

func (s *Service) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		for _, g := range s.snapshot("") {
			g.expire()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// snapshot are the groups whose names begin with prefix, by name.
func (s *Service) snapshot(prefix string) []*group {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var all []*group
	for name, g := range s.groups {
		if strings.HasPrefix(name, prefix) {
			all = append(all, g)
		}
	}
	slices.SortFunc(all, func(a, b *group) int { return strings.Compare(a.name, b.name) })
	return all
}

// group finds a group by its name or ARN.
func (s *Service) group(id string) (*group, error) {
	if rest, ok := strings.CutPrefix(id, "arn:"); ok {
		_, id, _ = strings.Cut(rest, ":log-group:")
	}
	s.mu.RLock()
	g := s.groups[id]
	s.mu.RUnlock()
	if g == nil {
		return nil, awsproto.Errorf("ResourceNotFoundException", "The specified log group does not exist.")
	}
	return g, nil
}

func (s *Service) arn(group string) string {
	return "arn:aws:logs:" + s.config.Region + ":" + s.config.Account + ":log-group:" + group
}

// invalid is the error of a request that says something that cannot be.
func invalid(format string, args ...any) error {
	return awsproto.Errorf("InvalidParameterException", format, args...)
}
