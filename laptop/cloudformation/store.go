package cloudformation

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ephor-io/ephor/laptop/internal/state"
)

// The files of one stack, in a folder named after the last part of its ID.
const (
	stackFile      = "stack.json"
	changeSetsFile = "changesets.json"
	eventsFile     = "events.jsonl"
	resourcesDir   = "resources"
)

// maxDeleted is how many deleted stacks are remembered; the oldest are forgotten first.
const maxDeleted = 50

func (s *Service) dir(st *stack) string {
	return filepath.Join(s.config.Dir, "stacks", st.ID[strings.LastIndexByte(st.ID, '/')+1:])
}

func (s *Service) saveStack(st *stack) error {
	return state.Save(filepath.Join(s.dir(st), stackFile), st.record)
}

func (s *Service) saveResource(st *stack, r *resource) error {
	return resourceFiles(s.dir(st)).Save(r.file(), r)
}

// resourceFiles are the resources of the stack in dir.
func resourceFiles(dir string) state.Folder[*resource] {
	return state.Folder[*resource]{Dir: filepath.Join(dir, resourcesDir)}
}

// file names what a resource is kept in, so that it fits and that Api and API stay apart on every
// file system.
func (r *resource) file() string {
	sum := sha256.Sum256([]byte(r.LogicalID))
	return fmt.Sprintf("%.100s-%x", r.LogicalID, sum[:4])
}

func (s *Service) saveChangeSets(st *stack) error {
	return state.Save(filepath.Join(s.dir(st), changeSetsFile), st.changeSets)
}

// forget drops a resource that is no part of the stack any more. s.mu is held.
func (s *Service) forget(st *stack, r *resource) error {
	delete(st.resources, r.LogicalID)
	return resourceFiles(s.dir(st)).Remove(r.file())
}

// appendEvent adds to the journal of events. It is not synced: a kill does not hurt it, and a
// loss of power costs events only.
func (s *Service) appendEvent(st *stack, e Event) error {
	f, err := os.OpenFile(filepath.Join(s.dir(st), eventsFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("writing events: %w", err)
	}
	data, err := json.Marshal(e)
	if err == nil {
		_, err = f.Write(append(data, '\n'))
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing events: %w", err)
	}
	return nil
}

func loadStacks(dir string) (map[string]*stack, error) {
	stacks := map[string]*stack{}
	root := filepath.Join(dir, "stacks")
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		st, err := loadStack(filepath.Join(root, entry.Name()))
		if err != nil {
			return nil, err
		}
		if st.ID != "" { // else it was being made when the laptop died
			stacks[st.ID] = st
		}
	}
	return stacks, nil
}

func loadStack(dir string) (*stack, error) {
	st := &stack{resources: map[string]*resource{}}
	if err := state.Load(filepath.Join(dir, stackFile), &st.record); err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(dir, stackFile)); err == nil && st.ID == "" {
		return nil, fmt.Errorf("reading state %s: it names no stack", filepath.Join(dir, stackFile))
	}
	if err := state.Load(filepath.Join(dir, changeSetsFile), &st.changeSets); err != nil {
		return nil, err
	}
	resources, err := resourceFiles(dir).Load()
	if err != nil {
		return nil, err
	}
	for _, r := range resources {
		st.resources[r.LogicalID] = r
	}
	st.events, err = loadEvents(filepath.Join(dir, eventsFile))
	return st, err
}

// loadEvents reads the journal, cuts off a last line that a crash left half written, and shortens
// a journal that has grown too long.
func loadEvents(path string) ([]Event, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var events []Event
	total, whole := 0, int64(0)
	for r := bufio.NewReader(f); ; total++ {
		line, err := r.ReadBytes('\n')
		var e Event
		if err != nil || json.Unmarshal(line, &e) != nil {
			break
		}
		whole += int64(len(line))
		if len(events) >= maxEvents {
			events = slices.Clone(events[maxEvents/10:])
		}
		events = append(events, e)
	}
	if total <= maxEvents {
		return events, os.Truncate(path, whole)
	}
	var all []byte
	for _, e := range events {
		line, err := json.Marshal(e)
		if err != nil {
			return nil, err
		}
		all = append(append(all, line...), '\n')
	}
	return events, state.WriteFile(path, all)
}

// prune forgets the oldest deleted stacks. s.mu is held.
func (s *Service) prune() error {
	var deleted []*stack
	for _, st := range s.stacks {
		if !st.live() {
			deleted = append(deleted, st)
		}
	}
	if len(deleted) <= maxDeleted {
		return nil
	}
	slices.SortFunc(deleted, func(a, b *stack) int { return a.Deleted.Compare(b.Deleted) })
	for _, st := range deleted[:len(deleted)-maxDeleted] {
		delete(s.stacks, st.ID)
		if err := os.RemoveAll(s.dir(st)); err != nil {
			return fmt.Errorf("forgetting a deleted stack: %w", err)
		}
	}
	return nil
}
