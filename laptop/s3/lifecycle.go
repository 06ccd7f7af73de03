package s3

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Expiration is a rule of a bucket's lifecycle: when objects go. A number of days that is 0 says nothing.
//
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-expire-general-considerations.html
type Expiration struct {
	ID       string `json:",omitempty"`
	Prefix   string `json:",omitempty"` // of the keys that it is about
	Disabled bool   `json:",omitempty"`
	// Days is after how many a current version goes; with versioning it becomes a noncurrent one
	// behind a delete marker. A delete marker that is left alone goes after as many.
	Days int `json:",omitempty"`
	// NoncurrentDays is for how many days a version that is not the newest any more stays.
	NoncurrentDays int `json:",omitempty"`
	// Markers says that a delete marker that is left alone goes at once.
	Markers bool `json:",omitempty"`
}

// checkLifecycle tells what S3 would not take.
//
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleExpiration.html
func checkLifecycle(rules []Expiration) error {
	for _, r := range rules {
		switch {
		case r.Days < 0 || r.NoncurrentDays < 0:
			return fail("InvalidArgument", 400, "lifecycle rule %q: a number of days must be a positive integer", r.ID)
		case r.Days > 0 && r.Markers:
			return fail("MalformedXML", 400, "lifecycle rule %q: ExpiredObjectDeleteMarker cannot stand beside a number of days", r.ID)
		case r.Days == 0 && r.NoncurrentDays == 0 && !r.Markers:
			return fail("InvalidRequest", 400, "lifecycle rule %q: at least one action needs to be specified", r.ID)
		}
	}
	return nil
}

// Expire carries out what the lifecycles of all buckets say by the time now, and tells how many versions
// and delete markers went. S3 does so once a day. What goes this way is in no notification, as on AWS,
// where notifications of deletions are about what somebody deletes.
//
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-expire-general-considerations.html
func (s *Service) Expire(now time.Time) (gone int, err error) {
	s.mu.RLock()
	buckets := slices.Collect(maps.Values(s.buckets))
	s.mu.RUnlock()
	var problems []error
	for _, b := range buckets {
		n, err := b.expire(now)
		gone += n
		if err != nil {
			problems = append(problems, fmt.Errorf("what has expired in bucket %s: %w", b.configuration().Name, err))
		}
	}
	return gone, errors.Join(problems...)
}

func (b *bucket) expire(now time.Time) (gone int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.info.Lifecycle {
		if r.Disabled || b.gone {
			continue
		}
		for _, key := range slices.Clone(b.sorted) {
			if !strings.HasPrefix(key, r.Prefix) {
				continue
			}
			had := b.keys[key].Versions
			left := r.left(had, b.info.Versioning != "", now)
			switch {
			case left == nil: // the newest goes
				marker := Object{Key: key, DeleteMarker: true, LastModified: now.UTC().Truncate(time.Millisecond)}
				left = b.withNewest(b.keys[key], &marker)
				gone++
			case len(left) == len(had):
				continue
			default:
				gone += len(had) - len(left)
			}
			if err := b.commit(key, left); err != nil {
				return gone, err
			}
		}
	}
	return gone, nil
}

// left are the versions of a key that stay, the oldest first; nil says that the newest is to be hidden
// behind a delete marker.
func (r Expiration) left(versions []Object, versioned bool, now time.Time) []Object {
	left := make([]Object, 0, len(versions))
	for i, v := range versions {
		// A version is noncurrent since there is a newer one.
		if i < len(versions)-1 && !(r.NoncurrentDays > 0 && ended(versions[i+1].LastModified, r.NoncurrentDays, now)) || i == len(versions)-1 {
			left = append(left, v)
		}
	}
	newest := versions[len(versions)-1]
	old := r.Days > 0 && ended(newest.LastModified, r.Days, now)
	switch {
	case newest.DeleteMarker:
		if len(left) == 1 && (r.Markers || old) {
			return left[:0]
		}
	case old && versioned:
		return nil
	case old:
		return left[:0]
	}
	return left
}

// ended says whether so many days have passed since, up to the midnight, by UTC, that follows.
func ended(since time.Time, days int, now time.Time) bool {
	end := since.UTC().AddDate(0, 0, days)
	if midnight := end.Truncate(24 * time.Hour); midnight.Before(end) {
		end = midnight.AddDate(0, 0, 1)
	}
	return !now.Before(end)
}
