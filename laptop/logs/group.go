package logs

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/state"
)

// group is a log group: a folder with its settings and its streams' files. Its lock may be held
// while a stream's is taken, not the other way round.
type group struct {
	service *Service
	name    string
	dir     string
	open    atomic.Int64 // streams that have a writer

	mu       sync.Mutex
	settings settings
	streams  map[string]*stream
	deleted  bool
}

// settings is what is kept of a group beside its streams.
type settings struct {
	Name        string
	Created     time.Time
	Retention   int               `json:",omitempty"` // days, 0 for ever
	Tags        map[string]string `json:",omitempty"`
	ClientToken string            `json:",omitempty"`
}

// LogGroup is a log group as it stands.
type LogGroup struct {
	Name        string
	ARN         string // without the :* at its end
	Created     time.Time
	Retention   int   // days, 0 for ever
	StoredBytes int64 // in files
	Tags        map[string]string
	ClientToken string // GroupInput's
}

// GroupInput is what a log group is made with.
type GroupInput struct {
	Name      string
	Retention int // days, 0 for ever
	Tags      map[string]string
	// ClientToken marks what one creation made; only LogGroup tells it.
	ClientToken string
}

const settingsFile = "group.json"

var groupName = regexp.MustCompile(`^[.\-_/#A-Za-z0-9]{1,512}$`)

// retentions are the numbers of days that PutRetentionPolicy takes. See
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
func retentions() []int {
	return []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
}

func checkRetention(days int) error {
	if !slices.Contains(retentions(), days) {
		return invalid("retentionInDays %d: one of %s", days, strings.Trim(strings.Join(strings.Fields(fmt.Sprint(retentions())), ", "), "[]"))
	}
	return nil
}

// CreateLogGroup makes a group, which is durable when it returns. Its error is AWS's:
// ResourceAlreadyExistsException if there is one of that name, InvalidParameterException.
func (s *Service) CreateLogGroup(in GroupInput) error {
	if !groupName.MatchString(in.Name) {
		return invalid("logGroupName %q: 1 to 512 of the characters a-z A-Z 0-9 _ - / . #", in.Name)
	}
	if in.Retention != 0 {
		if err := checkRetention(in.Retention); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.groups[in.Name] != nil {
		return awsproto.Errorf("ResourceAlreadyExistsException", "The specified log group already exists")
	}
	_, err := s.make(in)
	return err
}

// make makes a group. The caller holds s.mu.
func (s *Service) make(in GroupInput) (*group, error) {
	g := &group{
		service: s, name: in.Name, dir: filepath.Join(s.config.Dir, fileName(in.Name)), streams: map[string]*stream{},
		settings: settings{Name: in.Name, Created: now(), Retention: in.Retention, Tags: maps.Clone(in.Tags), ClientToken: in.ClientToken},
	}
	if err := g.save(); err != nil {
		return nil, err
	}
	s.groups[in.Name] = g
	return g, nil
}

func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// save makes the settings durable. The caller holds g.mu, or g is nobody else's yet.
func (g *group) save() error {
	if err := state.Save(filepath.Join(g.dir, settingsFile), g.settings); err != nil {
		return fmt.Errorf("saving log group %s: %w", g.name, err)
	}
	return nil
}

// ensure finds a group or makes it, as Lambda does for its functions.
func (s *Service) ensure(name string) (*group, error) {
	if g, err := s.group(name); err == nil {
		return g, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.groups[name]; g != nil {
		return g, nil
	}
	return s.make(GroupInput{Name: name})
}

// loadGroup reads a group's folder; nil is a folder that is none.
func (s *Service) loadGroup(dir string) (*group, error) {
	g := &group{service: s, dir: dir, streams: map[string]*stream{}}
	if err := state.Load(filepath.Join(dir, settingsFile), &g.settings); err != nil {
		return nil, err
	}
	if g.settings.Name == "" {
		return nil, nil
	}
	g.name = g.settings.Name
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("reading log group %s: %w", g.name, err)
	}
	for _, e := range entries {
		base, number, ok := splitSegment(e.Name())
		if !ok || e.IsDir() {
			continue
		}
		if err := g.loadSegment(filepath.Join(dir, base), number); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("reading log group %s: %w", g.name, err)
		}
	}
	for _, st := range g.streams {
		slices.SortFunc(st.segments, func(a, b *segment) int { return a.number - b.number })
	}
	return g, nil
}

// splitSegment takes a segment's file name apart.
func splitSegment(name string) (base string, number int, ok bool) {
	name, ok = strings.CutSuffix(name, ".log")
	if !ok {
		return "", 0, false
	}
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return "", 0, false
	}
	number, err := strconv.Atoi(name[i+1:])
	return name[:i], number, err == nil && number >= 0
}

// DeleteLogGroup removes a group with all its events. A writer that is still open makes it anew
// with its next commit, as Lambda does.
func (s *Service) DeleteLogGroup(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[name]
	if g == nil {
		return awsproto.Errorf("ResourceNotFoundException", "The specified log group does not exist.")
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, st := range g.streams {
		st.mu.Lock()
		st.end()
		st.mu.Unlock()
	}
	g.deleted = true
	delete(s.groups, name)
	if err := os.RemoveAll(g.dir); err != nil {
		return fmt.Errorf("deleting log group %s: %w", name, err)
	}
	return nil
}

// change applies edit to a group's settings and makes them durable.
func (s *Service) change(name string, edit func(*settings)) error {
	g, err := s.group(name)
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	old := g.settings
	edit(&g.settings)
	if err := g.save(); err != nil {
		g.settings = old
		return err
	}
	return nil
}

// PutRetentionPolicy lets events expire after some days, see retentions; what is past that is not
// read any more from now on. 0 keeps them for ever.
func (s *Service) PutRetentionPolicy(name string, days int) error {
	if days != 0 {
		if err := checkRetention(days); err != nil {
			return err
		}
	}
	if err := s.change(name, func(c *settings) { c.Retention = days }); err != nil {
		return err
	}
	g, err := s.group(name)
	if err == nil {
		g.expire()
	}
	return nil
}

// SetTags replaces a group's tags.
func (s *Service) SetTags(name string, tags map[string]string) error {
	return s.change(name, func(c *settings) { c.Tags = maps.Clone(tags) })
}

// Group returns the group of that name or ARN, or ResourceNotFoundException.
func (s *Service) Group(id string) (LogGroup, error) {
	g, err := s.group(id)
	if err != nil {
		return LogGroup{}, err
	}
	return g.describe(), nil
}

// Groups are the groups whose names begin with prefix, by name.
func (s *Service) Groups(prefix string) []LogGroup {
	var all []LogGroup
	for _, g := range s.snapshot(prefix) {
		all = append(all, g.describe())
	}
	return all
}

func (g *group) describe() LogGroup {
	g.mu.Lock()
	defer g.mu.Unlock()
	d := LogGroup{Name: g.name, ARN: g.service.arn(g.name), Created: g.settings.Created,
		Retention: g.settings.Retention, Tags: maps.Clone(g.settings.Tags), ClientToken: g.settings.ClientToken}
	for _, st := range g.streams {
		st.mu.Lock()
		d.StoredBytes += st.size()
		st.mu.Unlock()
	}
	return d
}

// cutoff is the time in ms before which events have expired. The caller holds g.mu.
func (g *group) cutoff() int64 {
	if g.settings.Retention == 0 {
		return 0
	}
	return time.Now().AddDate(0, 0, -g.settings.Retention).UnixMilli()
}

// expire removes the files of which all events have expired, and with its last one a stream that
// nobody writes.
func (g *group) expire() {
	g.mu.Lock()
	defer g.mu.Unlock()
	cutoff := g.cutoff()
	if cutoff == 0 || g.deleted {
		return
	}
	for name, st := range g.streams {
		st.mu.Lock()
		st.expire(cutoff)
		if st.writers == 0 && st.newest() < cutoff && st.created < cutoff {
			st.end()
			delete(g.streams, name)
		}
		st.mu.Unlock()
	}
}

// prune removes streams that nobody writes when they are too many. The caller holds g.mu.
func (g *group) prune() {
	type candidate struct {
		name    string
		touched int64
		size    int64
	}
	var all []candidate
	total := int64(0)
	for name, st := range g.streams {
		st.mu.Lock()
		if st.writers == 0 {
			all = append(all, candidate{name, st.touched, st.size()})
			total += st.size()
		}
		st.mu.Unlock()
	}
	if len(all) <= idleStreams && total <= idleBytes {
		return
	}
	slices.SortFunc(all, func(a, b candidate) int { return int(a.touched - b.touched) })
	for len(all) > idleStreams || total > idleBytes && len(all) > 1 {
		st := g.streams[all[0].name]
		st.mu.Lock()
		st.end()
		st.mu.Unlock()
		delete(g.streams, all[0].name)
		total -= all[0].size
		all = all[1:]
	}
}

// half is how large a file of one stream may grow.
func (g *group) half() int64 {
	return min(max(openBytes/2/max(g.open.Load(), 1), minHalf), maxHalf)
}
