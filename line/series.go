package line

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Series is a measurement with its tags, checked and encoded once for the many points that
// differ in fields and time alone. It never changes: any number of goroutines may use it.
type Series struct {
	key  []byte
	tags []Tag
}

// NewSeries refuses what Point.Append refuses of a measurement and its tags. The tags are
// written sorted by key; the slice stays the caller's.
func NewSeries(measurement string, tags ...Tag) (Series, error) {
	tags = slices.Clone(tags)
	slices.SortFunc(tags, func(a, b Tag) int { return strings.Compare(a.Key, b.Key) })
	key, err := appendKey(nil, measurement, tags)
	if err == nil && len(key)+keySeparator > maxKey {
		err = fmt.Errorf("name and tags have more than %d bytes", maxKey-keySeparator)
	}
	if err != nil {
		return Series{}, fmt.Errorf("series of %q: %w", measurement, err)
	}
	return Series{key: key, tags: tags}, nil
}

// String is the series as the line protocol writes it, without fields and time.
func (s Series) String() string { return string(s.key) }

// Append appends a point of the series and a newline to dst, as Point.Append does. Fields in
// ascending order of their names cost the least.
func (s Series) Append(dst []byte, t time.Time, fields ...Field) ([]byte, error) {
	if len(s.key) == 0 {
		return dst, fmt.Errorf("point of an empty series")
	}
	out, err := appendRest(append(dst, s.key...), len(s.key), s.tags, fields, t)
	if err != nil {
		return dst, fmt.Errorf("point of %s: %w", s.String(), err)
	}
	return out, nil
}
