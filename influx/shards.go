package influx

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/influxdata/influxdb/tsdb"
)

// A shardPath is where one shard lies: below the data directory with what is compacted, and at the same path
// below the WAL directory with what was written since.
type shardPath struct {
	database, policy string
	id               uint64
}

func (s shardPath) dir(root string) string {
	return filepath.Join(root, s.database, s.policy, strconv.FormatUint(s.id, 10))
}

// listShards lists the shards below dataDir.
func listShards(dataDir string) ([]shardPath, error) {
	var shards []shardPath
	databases, err := subdirectories(dataDir)
	if err != nil {
		return nil, err
	}
	for _, database := range databases {
		policies, err := subdirectories(filepath.Join(dataDir, database))
		if err != nil {
			return nil, err
		}
		for _, policy := range policies {
			if policy == tsdb.SeriesFileDirectory {
				continue
			}
			ids, err := subdirectories(filepath.Join(dataDir, database, policy))
			if err != nil {
				return nil, err
			}
			for _, name := range ids {
				if id, err := strconv.ParseUint(name, 10, 64); err == nil {
					shards = append(shards, shardPath{database, policy, id})
				}
			}
		}
	}
	return shards, nil
}

func subdirectories(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// mend repairs what a killed process can have left behind, before the engine sees it. Both repairs only ever
// take away what was never acknowledged.
func mend(dataDir, walDir string, onEvent func(Event)) error {
	shards, err := listShards(dataDir)
	if err != nil {
		return err
	}
	for _, sh := range shards {
		segments, err := walSegments(sh.dir(walDir))
		if err != nil {
			return err
		}
		if len(segments) == 0 {
			if err := removeIfEmpty(sh.dir(dataDir), onEvent); err != nil {
				return err
			}
			continue
		}
		if err := mendSegment(segments[len(segments)-1], onEvent); err != nil {
			return err
		}
	}
	return nil
}

// walSegments returns the log segments in dir that hold something, oldest first.
func walSegments(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var segments []string
	for _, e := range entries { // sorted by name, and the names count up
		if match, _ := filepath.Match("_*.wal", e.Name()); !match {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		if info.Size() > 0 {
			segments = append(segments, filepath.Join(dir, e.Name()))
		}
	}
	return segments, nil
}

// removeIfEmpty removes a shard without any log if it has no data file either. The engine makes its directory
// in several steps, and a process killed between two of them leaves one that does not open, or opens with the
// wrong kind of index. The next write makes it anew.
func removeIfEmpty(dir string, onEvent func(Event)) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.tsm"))
	if err != nil || len(files) > 0 {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("removing an empty shard: %w", err)
	}
	onEvent(Event{Message: "removed a shard that holds no points", Path: dir})
	return nil
}
