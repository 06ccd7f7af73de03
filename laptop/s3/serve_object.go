package s3

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const metadataHeader = "X-Amz-Meta-"

// kept are the headers that an object keeps and gives back.
var kept = []string{"Content-Type", "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Expires"}

// headersOf are what a request says of the object that it makes. Neither map is nil.
func headersOf(h http.Header) (headers, metadata map[string]string) {
	headers, metadata = map[string]string{}, map[string]string{}
	for _, name := range kept {
		if v := h.Get(name); v != "" {
			headers[name] = v
		}
	}
	encodings := contentEncodings(h)
	delete(headers, "Content-Encoding")
	encodings = slices.DeleteFunc(encodings, func(e string) bool { return e == "aws-chunked" })
	if len(encodings) > 0 {
		headers["Content-Encoding"] = strings.Join(encodings, ",")
	}
	for name, values := range h {
		if rest, ok := strings.CutPrefix(name, metadataHeader); ok {
			metadata[strings.ToLower(rest)] = strings.Join(values, ",")
		}
	}
	return headers, metadata
}

func contentEncodings(h http.Header) (out []string) {
	for _, line := range h.Values("Content-Encoding") {
		for e := range strings.SplitSeq(line, ",") {
			if e = strings.TrimSpace(e); e != "" {
				out = append(out, e)
			}
		}
	}
	return out
}

// decodedLength is how long an aws-chunked body is without its frame; -1 if it is not said.
func decodedLength(h http.Header) (int64, error) {
	v := h.Get("X-Amz-Decoded-Content-Length")
	if v == "" {
		return -1, nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 0 {
		return 0, fail("InvalidArgument", 400, "x-amz-decoded-content-length is %q", v)
	}
	return n, nil
}

// refuse names what a request asks for that would be a false promise.
func refuse(h http.Header) error {
	for name := range h {
		if strings.HasPrefix(name, "X-Amz-Server-Side-Encryption-Customer-") || strings.HasPrefix(name, "X-Amz-Object-Lock-") || name == "X-Amz-Tagging" {
			return notImplemented(name)
		}
	}
	if class := h.Get("X-Amz-Storage-Class"); class != "" && class != "STANDARD" {
		return notImplemented("the storage class " + class)
	}
	switch acl := h.Get("X-Amz-Acl"); acl {
	case "", "private", "bucket-owner-full-control":
		return nil
	}
	return fail("AccessControlListNotSupported", 400, "The bucket does not allow ACLs")
}

func (s *Service) servePutObject(c *call) error {
	if err := refuse(c.Header); err != nil {
		return err
	}
	if c.Header.Get("X-Amz-Copy-Source") != "" {
		return s.serveCopyObject(c)
	}
	in, err := c.input()
	if err != nil {
		return err
	}
	in.Headers, in.Metadata = headersOf(c.Header)
	o, err := s.PutObject(c.Context(), in)
	if err != nil {
		return err
	}
	c.describe(o, true)
	return c.done(http.StatusOK)
}

// describe puts an object's ETag, version and checksums into the answer's headers.
func (c *call) describe(o Object, checksums bool) {
	h := c.w.Header()
	if o.ETag != "" {
		h.Set("ETag", `"`+o.ETag+`"`)
	}
	if o.VersionID != "" && o.VersionID != "null" {
		h.Set("x-amz-version-id", o.VersionID)
	}
	if o.DeleteMarker {
		h.Set("x-amz-delete-marker", "true")
	}
	if !checksums {
		return
	}
	for name, sum := range o.Checksums {
		h.Set(checksumHeader+name, sum)
		h.Set("x-amz-checksum-type", o.ChecksumType)
	}
}

// source reads x-amz-copy-source: [/]bucket/key[?versionId=…], percent-encoded.
func (c *call) source() (bucket, key, version string, err error) {
	path, query, _ := strings.Cut(c.Header.Get("X-Amz-Copy-Source"), "?")
	values, err := url.ParseQuery(query)
	if err == nil {
		path, err = url.PathUnescape(path)
	}
	bucket, key, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if err != nil || !ok || key == "" {
		return "", "", "", fail("InvalidArgument", 400, "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	}
	return bucket, key, values.Get("versionId"), nil
}

func (s *Service) serveCopyObject(c *call) error {
	in := CopyInput{Bucket: c.bucket, Key: c.key, Algorithm: strings.ToLower(c.Header.Get("X-Amz-Checksum-Algorithm")),
		IfNoneMatch: c.Header.Get("If-None-Match"), IfMatch: c.Header.Get("If-Match")}
	var err error
	if in.SourceBucket, in.SourceKey, in.SourceVersion, err = c.source(); err != nil {
		return err
	}
	switch directive := c.Header.Get("X-Amz-Metadata-Directive"); directive {
	case "", "COPY":
	case "REPLACE":
		in.Headers, in.Metadata = headersOf(c.Header)
	default:
		return fail("InvalidArgument", 400, "Unknown metadata directive: %s", directive)
	}
	o, err := s.CopyObject(c.Context(), in)
	if err != nil {
		return err
	}
	c.describe(Object{VersionID: o.VersionID}, false)
	return c.answer("CopyObjectResult", struct{ LastModified, ETag string }{o.LastModified.Format(timeFormat), `"` + o.ETag + `"`})
}

func (s *Service) serveGetObject(c *call) error {
	f, o, err := s.OpenObject(c.bucket, c.key, c.query.Get("versionId"))
	if err != nil {
		c.describe(Object{VersionID: o.VersionID, DeleteMarker: o.DeleteMarker}, false)
		return err
	}
	defer f.Close()
	if err := conditions(c.Header, o); err != nil {
		c.describe(o, false)
		return err
	}
	start, length, partial, err := byteRange(c.Header.Get("Range"), o.Size)
	if err != nil {
		return err
	}
	if start > 0 {
		if _, err := f.Seek(start, io.SeekStart); err != nil {
			return err
		}
	}
	c.identify()
	// A part's bytes would not match the checksum of the whole.
	c.describe(o, !partial && strings.EqualFold(c.Header.Get("X-Amz-Checksum-Mode"), "ENABLED"))
	h := c.w.Header()
	h.Set("Content-Type", "binary/octet-stream")
	for name, v := range o.Headers {
		h.Set(name, v)
	}
	for name, v := range o.Metadata {
		h[strings.ToLower(metadataHeader)+name] = []string{v} // boto3 takes the name as it is spelt here
	}
	for _, name := range kept {
		if v := c.query.Get("response-" + strings.ToLower(name)); v != "" {
			h.Set(name, v)
		}
	}
	h.Set("Accept-Ranges", "bytes")
	h.Set("Last-Modified", o.LastModified.Format(http.TimeFormat))
	h.Set("Content-Length", strconv.FormatInt(length, 10))
	status := http.StatusOK
	if partial {
		status = http.StatusPartialContent
		h.Set("Content-Range", "bytes "+strconv.FormatInt(start, 10)+"-"+strconv.FormatInt(start+length-1, 10)+"/"+strconv.FormatInt(o.Size, 10))
	}
	c.w.WriteHeader(status)
	if c.Method != http.MethodHead {
		_, _ = io.CopyN(c.w, f, length) // a caller that has gone cannot be told so
	}
	return nil
}

// conditions are those of https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html,
// with ETags before times.
func conditions(h http.Header, o Object) error {
	modified := o.LastModified.Truncate(time.Second)
	if v := h.Get("If-Match"); v != "" {
		if !matches(v, o.ETag) {
			return preconditionFailed()
		}
	} else if t, err := http.ParseTime(h.Get("If-Unmodified-Since")); err == nil && modified.After(t) {
		return preconditionFailed()
	}
	notModified := fail("NotModified", http.StatusNotModified, "Not Modified")
	if v := h.Get("If-None-Match"); v != "" {
		if matches(v, o.ETag) {
			return notModified
		}
	} else if t, err := http.ParseTime(h.Get("If-Modified-Since")); err == nil && !modified.After(t) {
		return notModified
	}
	return nil
}

func matches(list, etag string) bool {
	for v := range strings.SplitSeq(list, ",") {
		if v = strings.Trim(strings.TrimSpace(v), `"`); v == "*" || v == etag {
			return true
		}
	}
	return false
}

// byteRange reads a Range header. One that is no range of bytes, or several, is as none.
func byteRange(header string, size int64) (start, length int64, partial bool, err error) {
	spec, ok := strings.CutPrefix(header, "bytes=")
	first, last, dash := strings.Cut(spec, "-")
	if !ok || !dash {
		return 0, size, false, nil
	}
	unsatisfiable := fail("InvalidRange", 416, "The requested range is not satisfiable")
	if first == "" {
		n, err := strconv.ParseInt(last, 10, 64)
		if err != nil || n < 0 {
			return 0, size, false, nil
		}
		if n == 0 || size == 0 {
			return 0, 0, false, unsatisfiable
		}
		n = min(n, size)
		return size - n, n, true, nil
	}
	if start, err = strconv.ParseInt(first, 10, 64); err != nil || start < 0 {
		return 0, size, false, nil
	}
	end := size - 1
	if last != "" {
		if end, err = strconv.ParseInt(last, 10, 64); err != nil || end < start {
			return 0, size, false, nil
		}
	}
	if start >= size {
		return 0, 0, false, unsatisfiable
	}
	end = min(end, size-1)
	return start, end - start + 1, true, nil
}

// serveGetObjectTagging tells that an object has no tags, as none can have any here. Version 2 of the AWS CLI
// asks before it copies an object in parts:
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectTagging.html
func (s *Service) serveGetObjectTagging(c *call) error {
	o, err := s.HeadObject(c.bucket, c.key, c.query.Get("versionId"))
	if err != nil {
		return err
	}
	c.describe(Object{VersionID: o.VersionID}, false)
	return c.answer("Tagging", struct {
		TagSet struct{}
	}{})
}

func (s *Service) serveDeleteObject(c *call) error {
	out, err := s.DeleteObject(c.bucket, c.key, c.query.Get("versionId"))
	if err != nil {
		return err
	}
	c.describe(Object{VersionID: out.VersionID, DeleteMarker: out.DeleteMarker}, false)
	return c.done(http.StatusNoContent)
}
