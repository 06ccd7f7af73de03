package s3

import (
	"slices"
	"strings"
)

// ListInput selects keys in their order as bytes.
type ListInput struct {
	Bucket, Prefix string
	// Delimiter, if not "", folds keys with it behind the prefix into one common prefix.
	Delimiter string
	// After is the last key, or common prefix, that is not wanted any more.
	After   string
	MaxKeys int // 1 to 1000; 0 means 1000
}

// Listing is one page of keys. Next is the After of the page behind, "" on the last one.
type Listing struct {
	Objects        []Object
	CommonPrefixes []string
	Next           string
}

// ListObjects lists the newest versions of objects.
func (s *Service) ListObjects(in ListInput) (Listing, error) {
	b, err := s.bucket(in.Bucket)
	if err != nil {
		return Listing{}, err
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	most := in.MaxKeys
	if most <= 0 || most > 1000 {
		most = 1000
	}
	var out Listing
	last := ""
	for i := b.from(max(in.Prefix, in.After)); i < len(b.sorted); {
		key := b.sorted[i]
		if !strings.HasPrefix(key, in.Prefix) {
			break
		}
		folded, isFolded := fold(key, in.Prefix, in.Delimiter)
		o, exists := b.keys[key].current()
		// A common prefix that was told ends in the delimiter, as a key may, too.
		told := key == in.After || isFolded && (folded == in.After || folded == last)
		if !exists || told {
			i++
			continue
		}
		if len(out.Objects)+len(out.CommonPrefixes) == most {
			out.Next = last
			break
		}
		if isFolded {
			out.CommonPrefixes = append(out.CommonPrefixes, folded)
			last = folded
		} else {
			out.Objects = append(out.Objects, o)
			last = key
		}
		i++
	}
	return out, nil
}

// from is the index of the first key that is not before key. b.mu is held.
func (b *bucket) from(key string) int {
	i, _ := slices.BinarySearch(b.sorted, key)
	return i
}

// fold is the common prefix that stands for a key in a listing.
func fold(key, prefix, delimiter string) (string, bool) {
	if delimiter == "" {
		return "", false
	}
	i := strings.Index(key[len(prefix):], delimiter)
	if i < 0 {
		return "", false
	}
	return key[:len(prefix)+i+len(delimiter)], true
}

// VersionsInput selects versions: keys as in ListInput, and of each the newest first.
type VersionsInput struct {
	ListInput
	// AfterVersion is the last version of the key After that is not wanted any more; "" means
	// that none of it is.
	AfterVersion string
}

// Versions is one page of versions, delete markers included.
type Versions struct {
	Objects        []Object
	Latest         map[string]string // each key's newest version ID
	CommonPrefixes []string
	Next           string
	NextVersion    string
}

// ListVersions lists all versions of objects.
func (s *Service) ListVersions(in VersionsInput) (Versions, error) {
	b, err := s.bucket(in.Bucket)
	if err != nil {
		return Versions{}, err
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	most := in.MaxKeys
	if most <= 0 || most > 1000 {
		most = 1000
	}
	out := Versions{Latest: map[string]string{}}
	var last, lastVersion string
	for _, key := range b.sorted[b.from(max(in.Prefix, in.After)):] {
		if !strings.HasPrefix(key, in.Prefix) {
			break
		}
		if folded, ok := fold(key, in.Prefix, in.Delimiter); ok {
			if folded == in.After || folded == last {
				continue
			}
			if len(out.Objects)+len(out.CommonPrefixes) == most {
				out.Next, out.NextVersion = last, lastVersion
				return out, nil
			}
			out.CommonPrefixes = append(out.CommonPrefixes, folded)
			last, lastVersion = folded, ""
			continue
		}
		h := b.keys[key]
		first := len(h.Versions) - 1
		if key == in.After {
			first = h.index(in.AfterVersion) - 1
		}
		out.Latest[key] = h.Versions[len(h.Versions)-1].VersionID
		for i := first; i >= 0; i-- {
			if len(out.Objects)+len(out.CommonPrefixes) == most {
				out.Next, out.NextVersion = last, lastVersion
				return out, nil
			}
			out.Objects = append(out.Objects, h.Versions[i])
			last, lastVersion = key, h.Versions[i].VersionID
		}
	}
	return out, nil
}
