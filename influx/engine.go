package influx

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/influxdata/influxdb/coordinator"
	"github.com/influxdata/influxdb/models"
	"github.com/influxdata/influxdb/monitor"
	"github.com/influxdata/influxdb/query"
	"github.com/influxdata/influxdb/services/continuous_querier"
	"github.com/influxdata/influxdb/services/meta"
	"github.com/influxdata/influxdb/services/precreator"
	"github.com/influxdata/influxdb/services/retention"
	"github.com/influxdata/influxdb/toml"
	"github.com/influxdata/influxdb/tsdb"
	"github.com/influxdata/influxdb/tsdb/engine/tsm1" // registers itself, too
	_ "github.com/influxdata/influxdb/tsdb/index"     // registers tsi1
	"go.uber.org/zap"
)

// engine is InfluxDB without its network: the parts, joined the way influxd joins them.
// maxIndexLogFileSize is up to where one of the eight parts of a shard's index is kept on the heap; what is more is in files that are
// mapped. A shard that has got no more than InfluxDB's own 1 MB keeps all of its index on the heap for as long as it is
// kept, some 500 bytes a series. The monitoring host has the same.
//
// https://docs.influxdata.com/influxdb/v1/administration/config/#max-index-log-file-size
const maxIndexLogFileSize = 4 << 10

type engine struct {
	meta    *meta.Client
	store   *tsdb.Store
	points  *coordinator.PointsWriter
	queries *query.Executor
	monitor *monitor.Monitor

	statements statements

	closers []func() error // in the order of opening
}

func openEngine(c Config) (_ *engine, err error) {
	e := &engine{}
	defer func() {
		if err != nil {
			e.close()
		}
	}()
	log := newLogger(c.OnEvent)
	metaDir, dataDir, walDir := filepath.Join(c.Dir, "meta"), filepath.Join(c.Dir, "data"), filepath.Join(c.Dir, "wal")
	for _, dir := range []string{metaDir, dataDir, walDir} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	}

	last, err := lastWritten(dataDir, walDir)
	if err != nil {
		return nil, err
	}
	if err := e.openMeta(c, metaDir); err != nil {
		return nil, err
	}
	if err := mend(dataDir, walDir, c.OnEvent); err != nil {
		return nil, err
	}
	if err := e.openStore(dataDir, walDir, log); err != nil {
		return nil, err
	}
	e.wire(c, log)
	if err := e.openServices(c, log); err != nil {
		return nil, err
	}
	if err := e.setUp(c.Database, c.Setup); err != nil {
		return nil, err
	}
	e.goBehind(c, last, log)
	return e, nil
}

// openMeta opens the catalogue: databases, retention policies, shard groups, continuous queries, users.
func (e *engine) openMeta(c Config, dir string) error {
	config := meta.NewConfig()
	config.Dir = dir
	e.meta = meta.NewClient(config)
	if err := e.meta.Open(); err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	e.onClose(e.meta.Close)
	if e.meta.Database(c.Database) != nil {
		return nil
	}
	spec := meta.RetentionPolicySpec{Name: meta.DefaultRetentionPolicyName, Duration: &c.Retention}
	if _, err := e.meta.CreateDatabaseWithRetentionPolicy(c.Database, &spec); err != nil {
		return fmt.Errorf("creating database %q: %w", c.Database, err)
	}
	return nil
}

func (e *engine) openStore(dataDir, walDir string, log *zap.Logger) error {
	config := tsdb.NewConfig()
	config.Dir, config.WALDir = dataDir, walDir
	config.Index = tsdb.TSI1IndexName
	config.MaxIndexLogFileSize = maxIndexLogFileSize
	config.MaxSeriesPerDatabase, config.MaxValuesPerTag = 0, 0 // an instance tag outgrows their defaults
	config.WALFsyncDelay = 0                                   // a write is on disk before it is acknowledged
	config.QueryLogEnabled = false

	e.store = tsdb.NewStore(dataDir)
	e.store.EngineOptions.Config = config
	e.store.EngineOptions.EngineVersion = config.Engine
	e.store.EngineOptions.IndexVersion = config.Index

	e.store.WithLogger(log)
	e.onClose(e.store.Close)
	if err := e.store.Open(); err != nil {
		return err
	}
	return e.openLeftOut(dataDir)
}

// openLeftOut opens the shards that the store has left out. It skips a shard that fails to open and says so in
// its log only, so that answers would lack its points without a word.
func (e *engine) openLeftOut(dataDir string) error {
	shards, err := listShards(dataDir)
	if err != nil {
		return err
	}
	for _, sh := range shards {
		if e.store.Shard(sh.id) != nil {
			continue
		}
		if _, _, group := e.meta.ShardOwner(sh.id); group == nil {
			continue // dropped or expired: the retention service removes what is left of it
		}
		if err := e.store.CreateShard(sh.database, sh.policy, sh.id, true); err != nil {
			return fmt.Errorf("shard %s: %w", sh.dir(dataDir), err)
		}
	}
	return nil
}

// wire joins meta data and storage into the two things that requests use: points and queries.
func (e *engine) wire(c Config, log *zap.Logger) {
	e.points = coordinator.NewPointsWriter()
	e.points.TSDBStore = e.store
	e.points.MetaClient = e.meta
	e.points.WithLogger(log)

	e.monitor = monitor.New(e, monitor.Config{StoreEnabled: false})
	e.monitor.Version = Version
	e.monitor.MetaClient = e.meta

	e.queries = query.NewExecutor()
	e.queries.TaskManager.QueryTimeout = c.QueryTimeout
	e.statements = statements{&coordinator.StatementExecutor{
		MetaClient:  e.meta,
		TaskManager: e.queries.TaskManager,
		TSDBStore:   e.store,
		ShardMapper: &coordinator.LocalShardMapper{
			MetaClient: e.meta,
			TSDBStore:  coordinator.LocalTSDBStore{Store: e.store},
		},
		Monitor:      e.monitor,
		PointsWriter: e.points,
	}}
	e.queries.StatementExecutor = e.statements
}

// openServices starts what runs by itself: diagnostics, shard groups made ahead of time, old ones dropped,
// continuous queries.
func (e *engine) openServices(c Config, log *zap.Logger) error {
	rollups := continuous_querier.NewConfig()
	rollups.LogEnabled = false
	querier := continuous_querier.NewService(rollups)
	querier.MetaClient = e.meta
	querier.QueryExecutor = e.queries

	policies := retention.NewConfig()
	if c.expiryCheck > 0 {
		policies.CheckInterval = toml.Duration(c.expiryCheck)
	}
	expiry := retention.NewService(policies)
	expiry.MetaClient = e.meta
	expiry.TSDBStore = e.store

	ahead := precreator.NewService(precreator.NewConfig())
	ahead.MetaClient = e.meta

	// Closed in the reverse order: first what asks for queries and writes by itself, then those two, then the store.
	e.onClose(e.queries.Close)
	if err := e.points.Open(); err != nil {
		return err
	}
	e.onClose(e.points.Close)
	for _, service := range []interface {
		WithLogger(*zap.Logger)
		Open() error
		Close() error
	}{e.monitor, ahead, expiry, querier} {
		service.WithLogger(log)
		if err := service.Open(); err != nil {
			return err
		}
		e.onClose(service.Close)
	}
	return nil
}

// Statistics is what SHOW STATS shows beside the Go runtime's figures.
func (e *engine) Statistics(tags map[string]string) []models.Statistic {
	var all []models.Statistic
	all = append(all, e.queries.Statistics(tags)...)
	all = append(all, e.store.Statistics(tags)...)
	return append(all, e.points.Statistics(tags)...)
}

// settle writes the points that are only in the logs to data files, so that the next start has no log to read:
// a tenth of the time. Where that fails the log stays, and nothing is lost.
func (e *engine) settle() error {
	var errs []error
	for _, id := range e.store.ShardIDs() {
		shard, err := e.store.Shard(id).Engine()
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if tsm, ok := shard.(*tsm1.Engine); ok && tsm.Cache.Size() > 0 {
			errs = append(errs, tsm.WriteSnapshot())
		}
	}
	return errors.Join(errs...)
}

func (e *engine) onClose(f func() error) { e.closers = append(e.closers, f) }

func (e *engine) close() error {
	var errs []error
	for i := len(e.closers) - 1; i >= 0; i-- {
		errs = append(errs, e.closers[i]())
	}
	e.closers = nil
	return errors.Join(errs...)
}
