package s3

import (
	"bytes"
	"encoding/xml"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

const (
	xmlns = "http://s3.amazonaws.com/doc/2006-03-01/"
	// maxXML bounds the XML that a request may hold; the largest are lists of 10,000 parts.
	maxXML = 4 << 20
)

// call is one request with the bucket and the key that it names.
type call struct {
	*http.Request
	w           http.ResponseWriter
	query       url.Values
	bucket, key string
}

// ServeHTTP answers S3's REST XML protocol, with the bucket in the path or in the host
// (bucket.s3.…, bucket.localhost). Keys may hold any path, so it must not stand behind an
// http.ServeMux, which cleans paths.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{Request: r, w: w, query: r.URL.Query()}
	err := c.address()
	if err == nil {
		err = s.dispatch(c)
	}
	if err == nil {
		return
	}
	e := awsproto.From(err)
	switch {
	case e.Status == http.StatusNotModified:
		w.WriteHeader(e.Status)
	case r.Method == http.MethodHead:
		w.WriteHeader(e.Status) // an answer to HEAD has no body to say more
	default:
		awsproto.WriteXMLError(w, r.URL.Path, err)
	}
}

var bucketHost = regexp.MustCompile(`^(.+?)\.(?:s3[.-].*|localhost)$`)

// address finds the bucket and the key.
func (c *call) address() error {
	host := c.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	path := strings.TrimPrefix(c.URL.EscapedPath(), "/")
	if m := bucketHost.FindStringSubmatch(host); m != nil && m[1] != "s3" && !strings.HasPrefix(m[1], "s3.") {
		c.bucket = m[1]
	} else {
		c.bucket, path, _ = strings.Cut(path, "/")
	}
	var err error
	if c.key, err = url.PathUnescape(path); err == nil {
		c.bucket, err = url.PathUnescape(c.bucket)
	}
	if err != nil {
		return fail("InvalidURI", 400, "Couldn't parse the specified URI.")
	}
	return nil
}

// operation is what a method, and a parameter of the query if not "", ask for.
type operation struct{ method, parameter string }

var ofBucket = map[operation]func(*Service, *call) error{
	{"PUT", ""}:                     (*Service).serveCreateBucket,
	{"HEAD", ""}:                    (*Service).serveHeadBucket,
	{"DELETE", ""}:                  (*Service).serveDeleteBucket,
	{"GET", ""}:                     (*Service).serveListObjects,
	{"GET", "versions"}:             (*Service).serveListVersions,
	{"GET", "uploads"}:              (*Service).serveListUploads,
	{"POST", "delete"}:              (*Service).serveDeleteObjects,
	{"GET", "notification"}:         (*Service).serveGetNotification,
	{"PUT", "notification"}:         (*Service).servePutNotification,
	{"GET", "location"}:             (*Service).serveLocation,
	{"GET", "versioning"}:           (*Service).serveGetVersioning,
	{"PUT", "versioning"}:           (*Service).servePutVersioning,
	{"GET", "encryption"}:           (*Service).serveGetEncryption,
	{"PUT", "encryption"}:           (*Service).servePutEncryption,
	{"DELETE", "encryption"}:        (*Service).serveDeleteEncryption,
	{"GET", "publicAccessBlock"}:    (*Service).serveGetAccessBlock,
	{"PUT", "publicAccessBlock"}:    (*Service).servePutAccessBlock,
	{"DELETE", "publicAccessBlock"}: (*Service).serveDeleteAccessBlock,
	{"GET", "policy"}:               (*Service).serveGetPolicy,
	{"GET", "tagging"}:              (*Service).serveGetTagging,
	{"PUT", "tagging"}:              (*Service).servePutTagging,
	{"DELETE", "tagging"}:           (*Service).serveDeleteTagging,
}

var ofObject = map[operation]func(*Service, *call) error{
	{"PUT", ""}:            (*Service).servePutObject,
	{"GET", ""}:            (*Service).serveGetObject,
	{"HEAD", ""}:           (*Service).serveGetObject,
	{"GET", "tagging"}:     (*Service).serveGetObjectTagging,
	{"DELETE", ""}:         (*Service).serveDeleteObject,
	{"POST", "uploads"}:    (*Service).serveCreateUpload,
	{"PUT", "uploadId"}:    (*Service).servePutPart,
	{"POST", "uploadId"}:   (*Service).serveCompleteUpload,
	{"DELETE", "uploadId"}: (*Service).serveAbortUpload,
	{"GET", "uploadId"}:    (*Service).serveListParts,
}

// parameters that choose an operation; those that are in neither table are refused by name.
var subresources = []string{
	"versions", "uploads", "uploadId", "delete", "location", "versioning", "encryption", "publicAccessBlock", "tagging",
	"accelerate", "acl", "analytics", "attributes", "cors", "intelligent-tiering", "inventory", "legal-hold", "lifecycle",
	"logging", "metrics", "notification", "object-lock", "ownershipControls", "partNumber", "policy", "policyStatus",
	"replication", "requestPayment", "restore", "retention", "select", "torrent", "website",
}

func (s *Service) dispatch(c *call) error {
	if c.bucket == "" {
		if c.Method != http.MethodGet {
			return fail("MethodNotAllowed", 405, "The specified method is not allowed against this resource.")
		}
		return s.serveListBuckets(c)
	}
	op := operation{method: c.Method}
	for _, name := range subresources {
		if c.query.Has(name) && !(name == "partNumber" && c.query.Has("uploadId")) {
			op.parameter = name
			break
		}
	}
	table := ofObject
	if c.key == "" {
		table = ofBucket
	}
	serve := table[op]
	if serve == nil {
		return notImplemented(strings.TrimSuffix(op.method+" ?"+op.parameter, " ?"))
	}
	return serve(s, c)
}

// input is the request's body, without aws-chunked and with all that the headers say of it.
func (c *call) input() (PutInput, error) {
	in := PutInput{Bucket: c.bucket, Key: c.key, Body: c.Body, Size: c.ContentLength, IfNoneMatch: c.Header.Get("If-None-Match"), IfMatch: c.Header.Get("If-Match")}
	sums, err := checksumsIn(c.Header)
	if err != nil {
		return PutInput{}, err
	}
	in.Checks = Checks{ContentMD5: c.Header.Get("Content-Md5"), Checksums: sums}
	in.Algorithm = strings.ToLower(c.Header.Get("X-Amz-Sdk-Checksum-Algorithm"))
	signed := c.Header.Get("X-Amz-Content-Sha256")
	if len(signed) == 64 {
		in.Checks.SHA256 = signed
	}
	encodings := contentEncodings(c.Header)
	if !strings.HasPrefix(signed, "STREAMING-") && !slices.Contains(encodings, "aws-chunked") {
		if c.ContentLength < 0 {
			return PutInput{}, fail("MissingContentLength", 411, "You must provide the Content-Length HTTP header.")
		}
		return in, nil
	}
	if in.Size, err = decodedLength(c.Header); err != nil {
		return PutInput{}, err
	}
	body := newChunkedReader(c.Body)
	in.Body = body
	if announced := c.Header.Get("X-Amz-Trailer"); announced != "" {
		name, isChecksum := strings.CutPrefix(http.CanonicalHeaderKey(strings.TrimSpace(announced)), checksumHeader)
		if !isChecksum {
			return PutInput{}, fail("InvalidRequest", 400, "The value specified in the x-amz-trailer header is not supported: %s", announced)
		}
		in.Algorithm = strings.ToLower(name)
		in.Trailer = func() (map[string]string, error) {
			sums, err := checksumsIn(body.Trailer())
			if err == nil && sums[in.Algorithm] == "" {
				err = fail("MalformedTrailerError", 400, "The request contained trailing data that was not well-formed or did not conform to our published schema.")
			}
			return sums, err
		}
	}
	return in, nil
}

// document reads the XML of a request into v.
func (c *call) document(v any) error {
	in, err := c.input()
	if err != nil {
		return err
	}
	var algorithms []string
	for name := range in.Checks.Checksums {
		algorithms = append(algorithms, name)
	}
	if newChecksum[in.Algorithm] != nil && !slices.Contains(algorithms, in.Algorithm) {
		algorithms = append(algorithms, in.Algorithm)
	}
	d := newDigest(algorithms, in.Checks.SHA256 != "")
	data, err := io.ReadAll(io.TeeReader(io.LimitReader(in.Body, maxXML+1), d))
	if err != nil {
		return err
	}
	if len(data) > maxXML {
		return fail("MaxMessageLengthExceeded", 400, "Your request was too large.")
	}
	if err := d.verify(in.Checks); err != nil {
		return err
	}
	if in.Trailer != nil {
		late, err := in.Trailer()
		if err == nil {
			err = d.verify(Checks{Checksums: late})
		}
		if err != nil {
			return err
		}
	}
	if err := xml.NewDecoder(bytes.NewReader(data)).Decode(v); err != nil {
		return fail("MalformedXML", 400, "The XML you provided was not well-formed or did not validate against our published schema: %v", err)
	}
	return nil
}

// answer writes v as XML under the name of its root.
func (c *call) answer(root string, v any) error {
	var buf bytes.Buffer
	buf.WriteString(xml.Header)
	start := xml.StartElement{Name: xml.Name{Local: root}, Attr: []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: xmlns}}}
	if err := xml.NewEncoder(&buf).EncodeElement(v, start); err != nil {
		return err
	}
	c.identify()
	c.w.Header().Set("Content-Type", "application/xml")
	_, _ = c.w.Write(buf.Bytes()) // a caller that has gone cannot be told so
	return nil
}

// done answers without a body.
func (c *call) done(status int) error {
	c.identify()
	c.w.WriteHeader(status)
	return nil
}

func (c *call) identify() { c.w.Header().Set("x-amz-request-id", awsproto.NewID()) }
