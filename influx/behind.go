package influx

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/influxdata/influxdb/services/continuous_querier"
	"github.com/influxdata/influxql"
	"go.uber.org/zap"
)

// lastWritten is when something in the folders last changed; zero where nothing is in them.
func lastWritten(dirs ...string) (last time.Time, err error) {
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			info, err := entry.Info()
			if err == nil && info.ModTime().After(last) {
				last = info.ModTime()
			}
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return last, fmt.Errorf("looking when the store was last written to: %w", err)
		}
	}
	return last, nil
}

// goBehind runs each continuous query once as it would have run when the store was last written to. The service looks back from
// now, and so never sees the last windows before the store went away, if that is longer ago than it looks.
func (e *engine) goBehind(c Config, last time.Time, log *zap.Logger) {
	if last.IsZero() {
		return
	}
	// A service of its own: the other one would think that it has run then, and make every window since.
	querier := continuous_querier.NewService(continuous_querier.Config{})
	querier.MetaClient = e.meta
	querier.QueryExecutor = e.queries
	querier.WithLogger(log)
	stop, done := make(chan struct{}), make(chan struct{})
	e.onClose(func() error {
		close(stop)
		<-done
		return nil
	})
	go func() {
		defer close(done)
		for _, d := range e.meta.Databases() {
			for _, q := range d.ContinuousQueries {
				select {
				case <-stop:
					return
				default:
				}
				every, back, err := resampled(q.Query)
				if err == nil && time.Since(last) > back {
					_, err = querier.ExecuteContinuousQuery(&d, &q, last.Add(every))
				}
				if err != nil {
					c.OnEvent(Event{Message: "the continuous query " + q.Name + " has not been run for what was there when the store was closed", Err: err})
				}
			}
		}
	}()
}

// resampled is how often a continuous query runs, at the least once in each of its windows, and how far it looks back.
func resampled(text string) (every, back time.Duration, err error) {
	statement, err := influxql.ParseStatement(text)
	if err != nil {
		return 0, 0, err
	}
	q, ok := statement.(*influxql.CreateContinuousQueryStatement)
	if !ok {
		return 0, 0, errors.New("it is no continuous query")
	}
	window, err := q.Source.GroupByInterval()
	return max(q.ResampleEvery, window), max(q.ResampleFor, window), err
}
