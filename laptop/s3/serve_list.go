package s3

import (
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

type prefix struct{ Prefix string }

type entry struct {
	Key               string
	LastModified      string
	ETag              string
	ChecksumAlgorithm []string `xml:",omitempty"`
	ChecksumType      string   `xml:",omitempty"`
	Size              int64
	StorageClass      string
	Owner             *owner `xml:",omitempty"`
}

// selection reads what all listings have in common; encode is what encoding-type asks for.
func (c *call) selection() (in ListInput, encode func(string) string, err error) {
	in = ListInput{Bucket: c.bucket, Prefix: c.query.Get("prefix"), Delimiter: c.query.Get("delimiter"), MaxKeys: 1000}
	if v := c.query.Get("max-keys"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return in, nil, fail("InvalidArgument", 400, "Provided max-keys not an integer or within integer range: %q", v)
		}
		in.MaxKeys = min(n, 1000)
	}
	encode = func(s string) string { return s }
	switch v := c.query.Get("encoding-type"); v {
	case "":
	case "url":
		// Some clients decode a plus as a space and some do not: neither is left as it is.
		encode = func(s string) string { return strings.NewReplacer("+", "%20", "%2F", "/").Replace(url.QueryEscape(s)) }
	default:
		return in, nil, fail("InvalidArgument", 400, "Invalid Encoding Method specified in Request: %q", v)
	}
	return in, encode, nil
}

// serveListObjects is both versions of ListObjects; list-type=2 asks for the newer.
func (s *Service) serveListObjects(c *call) error {
	in, encode, err := c.selection()
	if err != nil {
		return err
	}
	v2 := c.query.Get("list-type") == "2"
	token := c.query.Get("continuation-token")
	switch {
	case !v2:
		in.After = c.query.Get("marker")
	case token != "":
		raw, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil {
			return fail("InvalidArgument", 400, "The continuation token provided is incorrect")
		}
		in.After = string(raw)
	default:
		in.After = c.query.Get("start-after")
	}
	asked := in.MaxKeys
	list, err := s.ListObjects(in)
	if err != nil {
		return err
	}
	if asked == 0 { // S3 answers max-keys=0 with nothing and no more to come
		list = Listing{}
	}
	out := struct {
		Name                  string
		Prefix                string
		Marker                *string
		NextMarker            string `xml:",omitempty"`
		StartAfter            string `xml:",omitempty"`
		ContinuationToken     string `xml:",omitempty"`
		NextContinuationToken string `xml:",omitempty"`
		KeyCount              *int
		MaxKeys               int
		Delimiter             string `xml:",omitempty"`
		EncodingType          string `xml:",omitempty"`
		IsTruncated           bool
		Contents              []entry
		CommonPrefixes        []prefix
	}{
		Name: c.bucket, Prefix: encode(in.Prefix), MaxKeys: asked, Delimiter: encode(in.Delimiter),
		EncodingType: c.query.Get("encoding-type"), IsTruncated: list.Next != "",
	}
	if v2 {
		n := len(list.Objects) + len(list.CommonPrefixes)
		out.KeyCount, out.ContinuationToken, out.StartAfter = &n, token, encode(c.query.Get("start-after"))
		out.NextContinuationToken = base64.RawURLEncoding.EncodeToString([]byte(list.Next))
	} else {
		marker := encode(in.After)
		out.Marker = &marker
		// The older version says where to go on only with a delimiter; else it is the last key.
		if in.Delimiter != "" {
			out.NextMarker = encode(list.Next)
		}
	}
	for _, o := range list.Objects {
		e := newEntry(o, encode)
		if !v2 || c.query.Get("fetch-owner") == "true" {
			who := s.owner()
			e.Owner = &who
		}
		out.Contents = append(out.Contents, e)
	}
	for _, p := range list.CommonPrefixes {
		out.CommonPrefixes = append(out.CommonPrefixes, prefix{encode(p)})
	}
	return c.answer("ListBucketResult", out)
}

func newEntry(o Object, encode func(string) string) entry {
	e := entry{Key: encode(o.Key), LastModified: o.LastModified.Format(timeFormat), ETag: `"` + o.ETag + `"`, Size: o.Size,
		StorageClass: "STANDARD", ChecksumType: o.ChecksumType}
	for name := range o.Checksums {
		e.ChecksumAlgorithm = append(e.ChecksumAlgorithm, strings.ToUpper(name))
	}
	return e
}

func (s *Service) serveListVersions(c *call) error {
	in, encode, err := c.selection()
	if err != nil {
		return err
	}
	in.After = c.query.Get("key-marker")
	list, err := s.ListVersions(VersionsInput{ListInput: in, AfterVersion: c.query.Get("version-id-marker")})
	if err != nil {
		return err
	}
	type version struct {
		VersionID string `xml:"VersionId"`
		IsLatest  bool
		entry
	}
	type marker struct {
		Key          string
		VersionID    string `xml:"VersionId"`
		IsLatest     bool
		LastModified string
		Owner        owner
	}
	out := struct {
		Name                string
		Prefix              string
		KeyMarker           string
		VersionIDMarker     string `xml:"VersionIdMarker"`
		NextKeyMarker       string `xml:",omitempty"`
		NextVersionIDMarker string `xml:"NextVersionIdMarker,omitempty"`
		MaxKeys             int
		Delimiter           string `xml:",omitempty"`
		EncodingType        string `xml:",omitempty"`
		IsTruncated         bool
		Versions            []version `xml:"Version"`
		DeleteMarkers       []marker  `xml:"DeleteMarker"`
		CommonPrefixes      []prefix
	}{
		Name: c.bucket, Prefix: encode(in.Prefix), KeyMarker: encode(in.After), VersionIDMarker: c.query.Get("version-id-marker"),
		MaxKeys: in.MaxKeys, Delimiter: encode(in.Delimiter), EncodingType: c.query.Get("encoding-type"),
		IsTruncated: list.Next != "", NextKeyMarker: encode(list.Next), NextVersionIDMarker: list.NextVersion,
	}
	for _, o := range list.Objects {
		latest := list.Latest[o.Key] == o.VersionID
		if o.DeleteMarker {
			out.DeleteMarkers = append(out.DeleteMarkers, marker{encode(o.Key), o.VersionID, latest, o.LastModified.Format(timeFormat), s.owner()})
			continue
		}
		e := newEntry(o, encode)
		who := s.owner()
		e.Owner = &who
		out.Versions = append(out.Versions, version{o.VersionID, latest, e})
	}
	for _, p := range list.CommonPrefixes {
		out.CommonPrefixes = append(out.CommonPrefixes, prefix{encode(p)})
	}
	return c.answer("ListVersionsResult", out)
}

func (s *Service) serveDeleteObjects(c *call) error {
	var in struct {
		Quiet  bool
		Object []struct {
			Key       string
			VersionID string `xml:"VersionId"`
		}
	}
	if err := c.document(&in); err != nil {
		return err
	}
	if len(in.Object) == 0 || len(in.Object) > 1000 {
		return fail("MalformedXML", 400, "A request deletes 1 to 1000 objects, not %d", len(in.Object))
	}
	type deleted struct {
		Key                   string
		VersionID             string `xml:"VersionId,omitempty"`
		DeleteMarker          bool   `xml:",omitempty"`
		DeleteMarkerVersionID string `xml:"DeleteMarkerVersionId,omitempty"`
	}
	type failed struct {
		Key           string
		VersionID     string `xml:"VersionId,omitempty"`
		Code, Message string
	}
	var out struct {
		Deleted []deleted
		Error   []failed
	}
	for _, o := range in.Object {
		removed, err := s.DeleteObject(c.bucket, o.Key, o.VersionID)
		if err != nil {
			e := awsproto.From(err)
			if e.Code == "NoSuchBucket" {
				return err
			}
			out.Error = append(out.Error, failed{o.Key, o.VersionID, e.Code, e.Message})
			continue
		}
		if in.Quiet {
			continue
		}
		d := deleted{Key: o.Key, VersionID: o.VersionID, DeleteMarker: removed.DeleteMarker}
		if removed.DeleteMarker {
			d.DeleteMarkerVersionID = removed.VersionID
		}
		out.Deleted = append(out.Deleted, d)
	}
	return c.answer("DeleteResult", out)
}
