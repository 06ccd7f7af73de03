package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
	"github.com/ephor-io/ephor/laptop/internal/state"
)

// LayerVersion is an archive whose content functions find in /opt. It never changes. See
// https://docs.aws.amazon.com/lambda/latest/dg/chapter-layers.html
type LayerVersion struct {
	Name                    string
	LayerARN                string // without the version
	ARN                     string
	Version                 int
	Description             string
	LicenseInfo             string
	CompatibleRuntimes      []string
	CompatibleArchitectures []string
	CodeSHA256              string // of the zip archive, base64
	CodeSize                int64  // of the zip archive, bytes
	Created                 time.Time
	Policy                  []LayerPermission
	RevisionID              string // of the policy
	Mark                    string // by which whoever published it knows it; not shown
}

// LayerPermission lets accounts use a layer version. On this machine there is one account, so it is
// kept and told, and keeps nobody out.
type LayerPermission struct {
	StatementID    string
	Action         string // lambda:GetLayerVersion
	Principal      string // an account or *
	OrganizationID string
}

// LayerInput is a layer version that is to be published.
type LayerInput struct {
	Name                    string
	Description             string
	LicenseInfo             string
	CompatibleRuntimes      []string
	CompatibleArchitectures []string
	Content                 Code
	Mark                    string // becomes LayerVersion.Mark
}

// layer is what is kept of a layer: one file with all its versions.
type layer struct {
	Name        string
	LastVersion int // numbers are not given twice
	Versions    []LayerVersion
}

// UnmarshalJSON refuses what is no layer.
func (l *layer) UnmarshalJSON(data []byte) error {
	type plain layer
	if err := json.Unmarshal(data, (*plain)(l)); err != nil {
		return err
	}
	if l.Name == "" {
		return fmt.Errorf("a layer without a name: %w", fs.ErrInvalid)
	}
	return nil
}

// layerBook are the layers by name.
type layerBook struct {
	folder state.Folder[layer]
	mu     sync.RWMutex // Service.changing is held by whoever writes
	byName map[string]layer
}

var validLayer = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,140}$`)

func (s *Service) loadLayers() error {
	s.layers.folder = state.Folder[layer]{Dir: s.dir("layers"), Broken: func(file string, err error) {
		s.setAside("the layer "+strings.TrimSuffix(filepath.Base(file), ".json"), file, err)
	}}
	s.layers.byName = map[string]layer{}
	all, err := s.layers.folder.Load()
	if err != nil {
		return err
	}
	for _, l := range all {
		kept := l.Versions[:0]
		for _, v := range l.Versions {
			// One whose folder somebody has removed is told and passed over: it cannot be used.
			if err := s.code.acquire(v.CodeSHA256); err != nil {
				s.cfg.Events(CodeMissing{Function: v.ARN, Folder: s.code.path(v.CodeSHA256), Err: err})
				continue
			}
			v.LayerARN, v.ARN = s.layerARN(v.Name), s.layerARN(v.Name)+":"+strconv.Itoa(v.Version)
			kept = append(kept, v)
		}
		l.Versions = kept
		s.layers.byName[l.Name] = l
	}
	return nil
}

func (s *Service) layerARN(name string) string {
	return "arn:aws:lambda:" + s.cfg.Region + ":" + s.cfg.Account + ":layer:" + name
}

// PublishLayerVersion makes another version of a layer, the first one if there is none.
func (s *Service) PublishLayerVersion(ctx context.Context, in LayerInput) (LayerVersion, error) {
	bad := func(format string, args ...any) (LayerVersion, error) {
		return LayerVersion{}, awsproto.Errorf("InvalidParameterValueException", format, args...)
	}
	name := layerName(in.Name)
	switch {
	case !validLayer.MatchString(name):
		return bad("layer name %q: letters, digits, hyphens and underscores, 140 at most", in.Name)
	case in.Content.isZero():
		return bad("Please provide a source for the layer's content.")
	case len(in.Description) > 256 || len(in.LicenseInfo) > 512:
		return bad("a layer's description has 256 characters at most, its license 512")
	case len(in.CompatibleRuntimes) > 15 || len(in.CompatibleArchitectures) > 2:
		return bad("a layer has 15 compatible runtimes at most, and 2 architectures")
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	if s.closed() {
		return LayerVersion{}, errClosing()
	}
	sha, size, err := s.fetch(ctx, in.Content)
	if err != nil {
		return LayerVersion{}, err
	}
	l := s.layers.get(name)
	l.Name = name
	l.LastVersion++
	v := LayerVersion{
		Name: name, LayerARN: s.layerARN(name), ARN: s.layerARN(name) + ":" + strconv.Itoa(l.LastVersion), Version: l.LastVersion,
		Description: in.Description, LicenseInfo: in.LicenseInfo, CompatibleRuntimes: slices.Clone(in.CompatibleRuntimes),
		CompatibleArchitectures: slices.Clone(in.CompatibleArchitectures), CodeSHA256: sha, CodeSize: size,
		Created: time.Now().UTC().Truncate(time.Millisecond), RevisionID: awsproto.NewID(), Mark: in.Mark,
	}
	l.Versions = append(slices.Clone(l.Versions), v)
	if err := s.layers.put(l); err != nil {
		s.code.release(sha)
		return LayerVersion{}, err
	}
	return v, nil
}

// layerName takes a layer's name from its ARN, if it is one.
func layerName(s string) string {
	if _, rest, ok := strings.Cut(s, ":layer:"); ok {
		s, _, _ = strings.Cut(rest, ":")
	}
	return s
}

func (b *layerBook) get(name string) layer {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.byName[name]
}

// put makes a layer durable and then so.
func (b *layerBook) put(l layer) error {
	if err := b.folder.Save(l.Name, l); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.byName[l.Name] = l
	return nil
}

func (l layer) index(version int) int {
	return slices.IndexFunc(l.Versions, func(v LayerVersion) bool { return v.Version == version })
}

// LayerVersion returns a version of a layer by its name, or ResourceNotFoundException.
func (s *Service) LayerVersion(name string, version int) (LayerVersion, error) {
	name = layerName(name)
	l := s.layers.get(name)
	if i := l.index(version); i >= 0 {
		return l.Versions[i], nil
	}
	return LayerVersion{}, errNoLayer(s.layerARN(name) + ":" + strconv.Itoa(version))
}

// LayerVersionByARN is LayerVersion by ARN, which must be one of this account and region.
func (s *Service) LayerVersionByARN(arn string) (LayerVersion, error) {
	rest, ok := strings.CutPrefix(arn, s.layerARN(""))
	name, number, _ := strings.Cut(rest, ":")
	version, err := strconv.Atoi(number)
	if !ok || err != nil {
		return LayerVersion{}, awsproto.Errorf("InvalidParameterValueException",
			"layer %q: on this machine a layer is one of its own, %s", arn, s.layerARN("NAME:VERSION"))
	}
	return s.LayerVersion(name, version)
}

// LayerVersions returns the versions of a layer, newest first.
func (s *Service) LayerVersions(name string) []LayerVersion {
	all := slices.Clone(s.layers.get(layerName(name)).Versions)
	slices.Reverse(all)
	return all
}

// Layers returns the newest version of every layer that has one, by name.
func (s *Service) Layers() []LayerVersion {
	s.layers.mu.RLock()
	defer s.layers.mu.RUnlock()
	var all []LayerVersion
	for _, l := range s.layers.byName {
		if n := len(l.Versions); n > 0 {
			all = append(all, l.Versions[n-1])
		}
	}
	slices.SortFunc(all, func(a, b LayerVersion) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// DeleteLayerVersion removes a version; functions that use it go on doing so. One that is not there
// is no error.
func (s *Service) DeleteLayerVersion(name string, version int) error {
	var sha string
	err := s.editLayer(name, version, func(l *layer, i int) error {
		sha = l.Versions[i].CodeSHA256
		l.Versions = slices.Delete(l.Versions, i, i+1)
		return nil
	})
	switch {
	case err == nil:
		s.code.release(sha)
	case awsproto.From(err).Status == http.StatusNotFound:
		return nil
	}
	return err
}

func (s *Service) editLayer(name string, version int, edit func(l *layer, i int) error) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	if s.closed() {
		return errClosing()
	}
	name = layerName(name)
	l := s.layers.get(name)
	i := l.index(version)
	if i < 0 {
		return errNoLayer(s.layerARN(name) + ":" + strconv.Itoa(version))
	}
	l.Versions = slices.Clone(l.Versions)
	if err := edit(&l, i); err != nil {
		return err
	}
	return s.layers.put(l)
}

// AddLayerPermission adds a statement to the policy of a layer version. revision is the one that the
// policy must have, unless it is empty.
func (s *Service) AddLayerPermission(name string, version int, p LayerPermission, revision string) (LayerVersion, error) {
	var made LayerVersion
	err := s.editLayer(name, version, func(l *layer, i int) error {
		v := &l.Versions[i]
		switch {
		case revision != "" && revision != v.RevisionID:
			return errRevision()
		case !validStatement.MatchString(p.StatementID):
			return awsproto.Errorf("InvalidParameterValueException", "statement ID %q: letters, digits, hyphens and underscores, 100 at most", p.StatementID)
		case p.Action != "lambda:GetLayerVersion":
			return awsproto.Errorf("InvalidParameterValueException", "action %q: lambda:GetLayerVersion", p.Action)
		case p.Principal == "":
			return awsproto.Errorf("InvalidParameterValueException", "a permission needs a principal: an account or *")
		case slices.ContainsFunc(v.Policy, func(q LayerPermission) bool { return q.StatementID == p.StatementID }):
			return &awsproto.Error{Code: "ResourceConflictException", Status: http.StatusConflict,
				Message: "The statement id (" + p.StatementID + ") provided already exists. Please provide a new statement id, or remove the existing statement."}
		}
		v.Policy = append(slices.Clone(v.Policy), p)
		v.RevisionID = awsproto.NewID()
		made = *v
		return nil
	})
	return made, err
}

// RemoveLayerPermission removes a statement from the policy of a layer version; revision is as in
// AddLayerPermission.
func (s *Service) RemoveLayerPermission(name string, version int, statementID, revision string) error {
	return s.editLayer(name, version, func(l *layer, i int) error {
		v := &l.Versions[i]
		if revision != "" && revision != v.RevisionID {
			return errRevision()
		}
		before := len(v.Policy)
		v.Policy = slices.DeleteFunc(slices.Clone(v.Policy), func(q LayerPermission) bool { return q.StatementID == statementID })
		if len(v.Policy) == before {
			return &awsproto.Error{Code: "ResourceNotFoundException", Status: http.StatusNotFound,
				Message: "Statement " + statementID + " is not found in resource policy."}
		}
		v.RevisionID = awsproto.NewID()
		return nil
	})
}

func errNoLayer(arn string) error {
	return &awsproto.Error{Code: "ResourceNotFoundException", Status: http.StatusNotFound, Message: "Layer version " + arn + " does not exist."}
}
