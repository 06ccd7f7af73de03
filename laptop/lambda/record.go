package lambda

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/state"
)

// record is everything that is kept of a function: one file, so that every change of it is there
// after a crash or is not, and nothing in between. Whoever edits a clone replaces what its slices
// hold and does not write into it.
type record struct {
	Function                               // $LATEST
	LastVersion int                        // the highest number that was ever published
	Versions    []Function                 // in the order of their numbers
	Aliases     []Alias                    // by name
	URLs        []FunctionURL              // by qualifier
	Events      []EventInvokeConfig        // by qualifier
	Provisioned []provisionedConfiguration // by qualifier
}

func (r *record) clone() *record {
	c := *r
	c.Function = r.Function.clone()
	c.Versions = slices.Clone(r.Versions)
	c.Aliases = slices.Clone(r.Aliases)
	c.URLs = slices.Clone(r.URLs)
	c.Events = slices.Clone(r.Events)
	c.Provisioned = slices.Clone(r.Provisioned)
	return &c
}

// has says that a qualifier stands for something.
func (r *record) has(qualifier string) bool {
	if qualifier == "" || qualifier == latest {
		return true
	}
	if _, ok := r.alias(qualifier); ok {
		return true
	}
	return r.version(qualifier) >= 0
}

// UnmarshalJSON refuses what is no function. What older versions of this program have written has
// neither versions nor aliases.
func (r *record) UnmarshalJSON(data []byte) error {
	type function Function
	type rest struct {
		LastVersion int
		Versions    []Function
		Aliases     []Alias
		URLs        []FunctionURL
		Events      []EventInvokeConfig
		Provisioned []provisionedConfiguration
	}
	var parts rest
	var f function
	if err := errors.Join(json.Unmarshal(data, &f), json.Unmarshal(data, &parts)); err != nil {
		return err
	}
	if f.Name == "" || f.CodeSHA256 == "" {
		return fmt.Errorf("a function without a name or code: %w", fs.ErrInvalid)
	}
	*r = record{Function(f), parts.LastVersion, parts.Versions, parts.Aliases, parts.URLs, parts.Events, parts.Provisioned}
	if r.Version == "" {
		r.Version = latest
	}
	if r.EphemeralStorage == 0 {
		r.EphemeralStorage = defaultStorage
	}
	return nil
}

func (s *Service) dir(name string) string { return filepath.Join(s.cfg.Dir, name) }

func (s *Service) path(name string) string { return filepath.Join(s.dir("functions"), name+".json") }

// save makes a record durable.
func (s *Service) save(rec *record) error {
	if err := state.Save(s.path(rec.Name), rec); err != nil {
		return fmt.Errorf("saving function %s: %w", rec.Name, err)
	}
	return nil
}

// edit hands a copy of a function's record to change, makes it durable and then so. The name's
// qualifier is of no interest.
func (s *Service) edit(name string, change func(*family, *record) error) (*record, error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	if s.closed() {
		return nil, errClosing()
	}
	fam, _, err := s.family(name)
	if err != nil {
		return nil, err
	}
	old := fam.record()
	rec := old.clone()
	if err := change(fam, rec); err != nil {
		return nil, err
	}
	if err := s.save(rec); err != nil {
		return nil, err
	}
	s.share(rec)
	fam.become(rec)
	s.tellURLs(old.URLs, rec.URLs)
	return rec, nil
}

// load reads every function and layer, sets aside what cannot be read, and removes code that is not used.
func (s *Service) load() error {
	files, err := os.ReadDir(s.dir("functions"))
	if err != nil {
		return err
	}
	for _, file := range files {
		name, ok := strings.CutSuffix(file.Name(), ".json")
		if !ok || strings.HasPrefix(name, ".") || file.IsDir() {
			continue
		}
		rec := &record{}
		path := filepath.Join(s.dir("functions"), file.Name())
		err := state.Load(path, rec)
		if err == nil && rec.Name != name {
			err = fmt.Errorf("it holds a function of the name %q: %w", rec.Name, fs.ErrInvalid)
		}
		if _, unread := errors.AsType[*fs.PathError](err); unread { // which is not the file's fault
			return err
		}
		if err != nil {
			s.setAside("the function "+name, path, err)
			continue
		}
		s.adopt(rec)
	}
	if err := s.loadLayers(); err != nil {
		return err
	}
	if s.mayBeMended() {
		return nil
	}
	return s.code.sweep()
}

// adopt makes a function of a record that was read. Its ARNs are those of this account and region.
func (s *Service) adopt(rec *record) {
	rec.ARN = s.arn(rec.Name)
	for i := range rec.Versions {
		rec.Versions[i].ARN = s.arn(rec.Name + ":" + rec.Versions[i].Version)
	}
	for i := range rec.Aliases {
		rec.Aliases[i].ARN = s.arn(rec.Name + ":" + rec.Aliases[i].Name)
	}
	missing := map[string]error{}
	held := &holds{store: s.code}
	defer held.release()
	for _, cfg := range append([]Function{rec.Function}, rec.Versions...) {
		for _, sha := range cfg.contents() {
			err := s.code.acquire(sha)
			if err == nil {
				held.add(sha)
				continue
			}
			folder := s.code.path(sha)
			name := rec.Name
			if cfg.Version != latest {
				name += ":" + cfg.Version
			}
			missing[cfg.Version] = fmt.Errorf("the code of function %s is missing in %s: %w", name, folder, errors.Unwrap(err))
			s.cfg.Events(CodeMissing{Function: rec.Name, Folder: folder, Err: missing[cfg.Version]})
			break
		}
	}
	s.add(rec, missing)
}

// add makes a function available, in the place of one of that name whose code was missing. The
// caller holds the code until add returns, unless it is missing.
func (s *Service) add(rec *record, missing map[string]error) {
	s.mu.Lock()
	c := s.counters[rec.Name]
	if c == nil {
		c = &counters{}
		s.counters[rec.Name] = c
	}
	fam := newFamily(s, rec, c, missing)
	s.functions[rec.Name] = fam
	s.mu.Unlock()
	s.share()
}

// share works out what reserved and provisioned concurrency leave to the functions that have
// none. changed takes the place of the record that its function has.
func (s *Service) share(changed ...*record) {
	s.unreserved.Store(int64(s.left(changed...)))
}

func (s *Service) left(changed ...*record) int {
	left := s.cfg.ConcurrencyLimit
	for _, fam := range s.families() {
		rec := fam.record()
		for _, c := range changed {
			if c.Name == rec.Name {
				rec = c
			}
		}
		left -= rec.takes()
	}
	return left
}

// takes is what a function keeps from all others.
func (r *record) takes() int {
	if r.ReservedConcurrency != nil {
		return *r.ReservedConcurrency
	}
	n := 0
	for _, p := range r.Provisioned {
		n += p.Requested
	}
	return n
}

// families are all functions.
func (s *Service) families() []*family {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Collect(maps.Values(s.functions))
}

// snapshot are the pools of all versions of all functions.
func (s *Service) snapshot() []*function {
	var all []*function
	for _, fam := range s.families() {
		all = append(all, fam.now.Load().all()...)
	}
	return all
}

// keepRetired remembers a pool that is deleted, but perhaps still at work.
func (s *Service) keepRetired(f *function) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retired = append(slices.DeleteFunc(s.retired, (*function).empty), f)
}

// s3Reason is why an object could not be read, in S3's words where it has some.
func s3Reason(err error) string {
	if e, ok := errors.AsType[*awsproto.Error](err); ok {
		return fmt.Sprintf("S3 Error Code: %s. S3 Error Message: %s", e.Code, e.Message)
	}
	return err.Error()
}
