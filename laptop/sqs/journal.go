package sqs

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/ephor-io/ephor/laptop/internal/state"
)

// journal is the file of a queue's messages: a line for every change, in order. What is appended
// survives the end of this process at once, and a loss of power once it is synced.
type journal struct {
	path string

	mu         sync.Mutex // guards what follows
	file       *os.File
	size       int64
	generation int // of the file: how often it was written anew

	syncing sync.Mutex // held by whoever syncs for all that wait for it
	synced  position
}

// position is how far a generation of the file has been written.
type position struct {
	generation int
	size       int64
}

// entry is one line. One of the fields is set.
type entry struct {
	Put  *message `json:",omitempty"` // a message has come
	Got  *receipt `json:",omitempty"` // it was received, or its visibility changed
	Gone string   `json:",omitempty"` // the ID of one that was deleted
	Seen *token   `json:",omitempty"` // a deduplication ID was used
}

// openJournal opens a file and gives what it holds to replay, in order. A line that a crash has
// left half written is cut off.
func openJournal(path string, replay func(entry) error) (*journal, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	_, err := os.Stat(path)
	fresh := errors.Is(err, fs.ErrNotExist)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	j := &journal{path: path, file: file}
	if err := j.replay(replay); err != nil {
		return nil, errors.Join(fmt.Errorf("reading %s: %w", path, err), file.Close())
	}
	if fresh {
		if err := state.SyncDir(filepath.Dir(path)); err != nil {
			return nil, errors.Join(err, file.Close())
		}
	}
	j.synced = position{0, j.size}
	return j, nil
}

func (j *journal) replay(each func(entry) error) error {
	r := bufio.NewReaderSize(j.file, 1<<16)
	for {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break // what stands behind the last newline was never acknowledged
		}
		if err != nil {
			return err
		}
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("at byte %d: %w", j.size, err)
		}
		if err := each(e); err != nil {
			return fmt.Errorf("at byte %d: %w", j.size, err)
		}
		j.size += int64(len(line))
	}
	if err := j.file.Truncate(j.size); err != nil {
		return err
	}
	_, err := j.file.Seek(j.size, io.SeekStart)
	return err
}

// append writes entries and tells how far the file goes then, for sync. After an error nothing of
// them is in the file. The order of calls is the order of entries.
func (j *journal) append(entries ...entry) (position, error) {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	for i := range entries {
		if err := e.Encode(entries[i]); err != nil {
			return position{}, err
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	n, err := j.file.Write(buf.Bytes())
	if err != nil {
		if n > 0 {
			_, serr := j.file.Seek(j.size, io.SeekStart)
			err = errors.Join(err, j.file.Truncate(j.size), serr)
		}
		return position{}, fmt.Errorf("writing %s: %w", j.path, err)
	}
	j.size += int64(n)
	return position{j.generation, j.size}, nil
}

// sync returns when all up to p would survive a loss of power. Many that wait share one sync.
func (j *journal) sync(p position) error {
	j.syncing.Lock()
	defer j.syncing.Unlock()
	if j.synced.generation > p.generation || j.synced.generation == p.generation && j.synced.size >= p.size {
		return nil
	}
	j.mu.Lock()
	now, file := position{j.generation, j.size}, j.file
	j.mu.Unlock()
	if err := file.Sync(); err != nil {
		return fmt.Errorf("syncing %s: %w", j.path, err)
	}
	j.synced = now
	return nil
}

// rewrite makes entries all that the file holds. Nothing may be appended meanwhile.
func (j *journal) rewrite(entries func(func(entry) error) error) error {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := entries(func(one entry) error { return e.Encode(one) }); err != nil {
		return err
	}
	j.syncing.Lock()
	defer j.syncing.Unlock()
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := state.WriteFile(j.path, buf.Bytes()); err != nil {
		return err
	}
	file, err := os.OpenFile(j.path, os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		// The old file is nobody's any more: what is appended from now on must fail.
		return errors.Join(fmt.Errorf("opening what was written: %w", err), j.file.Close())
	}
	err = j.file.Close()
	j.file, j.size, j.generation = file, int64(buf.Len()), j.generation+1
	j.synced = position{j.generation, j.size}
	return err
}

func (j *journal) bytes() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.size
}

func (j *journal) close() error {
	j.syncing.Lock()
	defer j.syncing.Unlock()
	return j.file.Close()
}
