package s3

import (
	"encoding/xml"
	"io"
	"net/http"
	"strconv"
	"strings"
)

func (s *Service) serveCreateUpload(c *call) error {
	if err := refuse(c.Header); err != nil {
		return err
	}
	in := Upload{Bucket: c.bucket, Key: c.key, ChecksumType: strings.ToUpper(c.Header.Get("X-Amz-Checksum-Type")),
		Algorithm: strings.ToLower(c.Header.Get("X-Amz-Checksum-Algorithm"))}
	in.Headers, in.Metadata = headersOf(c.Header)
	u, err := s.CreateUpload(in)
	if err != nil {
		return err
	}
	c.w.Header().Set("x-amz-checksum-algorithm", strings.ToUpper(u.Algorithm))
	c.w.Header().Set("x-amz-checksum-type", u.ChecksumType)
	return c.answer("InitiateMultipartUploadResult", struct {
		Bucket, Key string
		UploadID    string `xml:"UploadId"`
	}{c.bucket, c.key, u.UploadID})
}

func (s *Service) servePutPart(c *call) error {
	number, err := strconv.Atoi(c.query.Get("partNumber"))
	if err != nil {
		return fail("InvalidArgument", 400, "Part number must be an integer between 1 and %d, inclusive", maxParts)
	}
	id := c.query.Get("uploadId")
	if c.Header.Get("X-Amz-Copy-Source") != "" {
		return s.serveCopyPart(c, id, number)
	}
	in, err := c.input()
	if err != nil {
		return err
	}
	p, err := s.PutPart(c.Context(), in, id, number)
	if err != nil {
		return err
	}
	c.w.Header().Set("ETag", `"`+p.ETag+`"`)
	for name, sum := range p.Checksums {
		c.w.Header().Set(checksumHeader+name, sum)
	}
	return c.done(http.StatusOK)
}

func (s *Service) serveCopyPart(c *call, id string, number int) error {
	bucket, key, version, err := c.source()
	if err != nil {
		return err
	}
	f, o, err := s.OpenObject(bucket, key, version)
	if err != nil {
		return err
	}
	defer f.Close()
	start, length, _, err := byteRange(c.Header.Get("X-Amz-Copy-Source-Range"), o.Size)
	if err != nil {
		return err
	}
	p, err := s.PutPart(c.Context(), PutInput{Bucket: c.bucket, Key: c.key, Body: io.NewSectionReader(f, start, length), Size: length}, id, number)
	if err != nil {
		return err
	}
	return c.answer("CopyPartResult", struct{ LastModified, ETag string }{p.LastModified.Format(timeFormat), `"` + p.ETag + `"`})
}

// completedPart is a part in the client's list; which element a checksum has is its algorithm.
type completedPart struct {
	PartNumber        int
	ETag              string
	ChecksumCRC32     string
	ChecksumCRC32C    string
	ChecksumCRC64NVME string
	ChecksumSHA1      string
	ChecksumSHA256    string
}

func (p completedPart) checksums() map[string]string {
	out := map[string]string{}
	for name, sum := range map[string]string{"crc32": p.ChecksumCRC32, "crc32c": p.ChecksumCRC32C,
		"crc64nvme": p.ChecksumCRC64NVME, "sha1": p.ChecksumSHA1, "sha256": p.ChecksumSHA256} {
		if sum != "" {
			out[name] = sum
		}
	}
	return out
}

func (s *Service) serveCompleteUpload(c *call) error {
	var doc struct {
		Part []completedPart
	}
	// Here x-amz-checksum-… is of the object and not of this request's body.
	sums, err := checksumsIn(c.Header)
	if err != nil {
		return err
	}
	for name := range sums {
		c.Header.Del(checksumHeader + name)
	}
	if err := c.document(&doc); err != nil {
		return err
	}
	in := CompleteInput{Bucket: c.bucket, Key: c.key, UploadID: c.query.Get("uploadId"), Checksums: sums,
		IfNoneMatch: c.Header.Get("If-None-Match"), IfMatch: c.Header.Get("If-Match")}
	for _, p := range doc.Part {
		in.Parts = append(in.Parts, CompletedPart{p.PartNumber, p.ETag, p.checksums()})
	}
	o, err := s.CompleteUpload(c.Context(), in)
	if err != nil {
		return err
	}
	c.describe(Object{VersionID: o.VersionID}, false)
	out := struct {
		Location, Bucket, Key, ETag string
		Checksums                   []named
		ChecksumType                string
	}{Location: "http://" + c.Host + c.URL.EscapedPath(), Bucket: c.bucket, Key: c.key, ETag: `"` + o.ETag + `"`, ChecksumType: o.ChecksumType}
	for name, sum := range o.Checksums {
		out.Checksums = append(out.Checksums, named{"Checksum" + strings.ToUpper(name), sum})
	}
	return c.answer("CompleteMultipartUploadResult", out)
}

// named marshals under a name that is known at run time.
type named struct{ name, value string }

func (n named) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	return e.EncodeElement(n.value, xml.StartElement{Name: xml.Name{Local: n.name}})
}

func (s *Service) serveAbortUpload(c *call) error {
	if err := s.AbortUpload(c.bucket, c.key, c.query.Get("uploadId")); err != nil {
		return err
	}
	return c.done(http.StatusNoContent)
}

func (s *Service) serveListUploads(c *call) error {
	uploads, err := s.ListUploads(c.bucket)
	if err != nil {
		return err
	}
	_, encode, err := c.selection()
	if err != nil {
		return err
	}
	type item struct {
		Key          string
		UploadID     string `xml:"UploadId"`
		Initiated    string
		StorageClass string
		Owner        owner
	}
	out := struct {
		Bucket       string
		Prefix       string
		EncodingType string `xml:",omitempty"`
		MaxUploads   int
		IsTruncated  bool
		Upload       []item
	}{Bucket: c.bucket, Prefix: c.query.Get("prefix"), EncodingType: c.query.Get("encoding-type")}
	for _, u := range uploads {
		if strings.HasPrefix(u.Key, out.Prefix) {
			out.Upload = append(out.Upload, item{encode(u.Key), u.UploadID, u.Initiated.Format(timeFormat), "STANDARD", s.owner()})
		}
	}
	out.MaxUploads = max(1000, len(out.Upload)) // all in one answer
	return c.answer("ListMultipartUploadsResult", out)
}

func (s *Service) serveListParts(c *call) error {
	u, parts, err := s.ListParts(c.bucket, c.key, c.query.Get("uploadId"))
	if err != nil {
		return err
	}
	type item struct {
		PartNumber   int
		LastModified string
		ETag         string
		Size         int64
		Checksums    []named
	}
	out := struct {
		Bucket, Key       string
		UploadID          string `xml:"UploadId"`
		ChecksumAlgorithm string
		ChecksumType      string
		StorageClass      string
		MaxParts          int
		IsTruncated       bool
		Part              []item
	}{Bucket: c.bucket, Key: c.key, UploadID: u.UploadID, ChecksumAlgorithm: strings.ToUpper(u.Algorithm), ChecksumType: u.ChecksumType,
		StorageClass: "STANDARD", MaxParts: maxParts} // all in one answer
	for _, p := range parts {
		i := item{PartNumber: p.PartNumber, LastModified: p.LastModified.Format(timeFormat), ETag: `"` + p.ETag + `"`, Size: p.Size}
		for name, sum := range p.Checksums {
			i.Checksums = append(i.Checksums, named{"Checksum" + strings.ToUpper(name), sum})
		}
		out.Part = append(out.Part, i)
	}
	return c.answer("ListPartsResult", out)
}
