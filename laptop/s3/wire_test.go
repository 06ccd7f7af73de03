package s3

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
)

// serve opens a service with a bucket "bkt" behind a server.
func serve(t testing.TB) (*Service, *httptest.Server) {
	t.Helper()
	s := openService(t, t.TempDir())
	newBucketNamed(t, s, "bkt")
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, server
}

func sdk(server *httptest.Server) *s3.Client {
	return s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, UsePathStyle: true, HTTPClient: server.Client(), RetryMaxAttempts: 1,
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported, ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	})
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return fmt.Sprint(err)
}

func TestTheSDKPutsAndGets(t *testing.T) {
	t.Parallel()
	_, server := serve(t)
	c := sdk(server)
	ctx := t.Context()
	key := "dir/a+b c%20ü?#.txt"
	for _, algorithm := range append([]types.ChecksumAlgorithm{""}, types.ChecksumAlgorithm("").Values()...) {
		switch algorithm {
		case types.ChecksumAlgorithmSha512, types.ChecksumAlgorithmMd5, types.ChecksumAlgorithmXxhash3, types.ChecksumAlgorithmXxhash64, types.ChecksumAlgorithmXxhash128:
			continue
		}
		put, err := c.PutObject(ctx, &s3.PutObjectInput{
			Bucket: aws.String("bkt"), Key: &key, Body: strings.NewReader("hello world"), ChecksumAlgorithm: algorithm,
			ContentType: aws.String("text/x"), ContentEncoding: aws.String("identity"), Metadata: map[string]string{"who": "me"},
		})
		must(t, err)
		got, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("bkt"), Key: &key, ChecksumMode: types.ChecksumModeEnabled})
		must(t, err)
		data, err := io.ReadAll(got.Body) // verifies the checksum
		must(t, err)
		if string(data) != "hello world" || aws.ToString(got.ETag) != `"5eb63bbbe01eeed093cb22bb8f5acdc3"` || aws.ToString(put.ETag) != aws.ToString(got.ETag) ||
			aws.ToString(got.ContentType) != "text/x" || aws.ToString(got.ContentEncoding) != "identity" || got.Metadata["who"] != "me" {
			t.Errorf("%s: %q %+v", algorithm, data, got)
		}
	}
	head, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String("bkt"), Key: &key})
	must(t, err)
	if *head.ContentLength != 11 || head.LastModified == nil {
		t.Errorf("%+v", head)
	}
	_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("bkt"), Key: &key, Body: strings.NewReader("x"), IfNoneMatch: aws.String("*")})
	if code(err) != "PreconditionFailed" {
		t.Errorf("If-None-Match: %v", err)
	}
	_, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("bkt"), Key: aws.String("nope")})
	var missing *types.NoSuchKey
	if !errors.As(err, &missing) {
		t.Errorf("GetObject of nothing: %v", err)
	}
	_, err = c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String("bkt"), Key: aws.String("nope")})
	var notFound *types.NotFound
	if !errors.As(err, &notFound) {
		t.Errorf("HeadObject of nothing: %v", err)
	}
	_, err = c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String("bkt"), Key: &key})
	must(t, err)
}

// Over TLS the SDK sends a body that it cannot rewind as aws-chunked with a trailing checksum.
func TestTheSDKStreams(t *testing.T) {
	t.Parallel()
	s := openService(t, t.TempDir())
	newBucketNamed(t, s, "bkt")
	var sent string
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			sent = r.Header.Get("X-Amz-Content-Sha256")
		}
		s.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	text := strings.Repeat("0123456789abcdef", 20000)
	_, err := sdk(server).PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String("bkt"), Key: aws.String("k"), Body: io.NopCloser(strings.NewReader(text)), ContentLength: aws.Int64(int64(len(text)))})
	must(t, err)
	if sent != "STREAMING-UNSIGNED-PAYLOAD-TRAILER" {
		t.Fatalf("the SDK sent %s: this test does not test what it is for", sent)
	}
	o, err := s.HeadObject("bkt", "k", "")
	must(t, err)
	if read(t, s, "bkt", "k", "") != text || o.Headers["Content-Encoding"] != "" || o.Checksums["crc32"] == "" {
		t.Errorf("stored as %+v", o)
	}
}

func TestAChunkedBodyIsVerified(t *testing.T) {
	t.Parallel()
	s, server := serve(t)
	f := func(body, length, trailer string, wantStatus int, wantCode string) {
		t.Helper()
		r, err := http.NewRequest("PUT", server.URL+"/bkt/k", strings.NewReader(body))
		must(t, err)
		r.Header = http.Header{"X-Amz-Content-Sha256": {"STREAMING-UNSIGNED-PAYLOAD-TRAILER"}, "Content-Encoding": {"gzip, aws-chunked"}, "X-Amz-Decoded-Content-Length": {length}}
		if trailer != "" {
			r.Header.Set("X-Amz-Trailer", trailer)
		}
		res, err := http.DefaultClient.Do(r)
		must(t, err)
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		if res.StatusCode != wantStatus || !strings.Contains(string(text), wantCode) {
			t.Errorf("%q: %d %s, want %d %s", body, res.StatusCode, text, wantStatus, wantCode)
		}
	}
	const crc = "x-amz-checksum-crc32"
	f("5\r\nhello\r\n0\r\n"+crc+":NhCmhg==\r\n\r\n", "5", crc, 200, "")
	if o, _ := s.HeadObject("bkt", "k", ""); o.Headers["Content-Encoding"] != "gzip" || o.Checksums["crc32"] != "NhCmhg==" {
		t.Errorf("stored as %+v", o)
	}
	f("5\r\nhello\r\n0\r\n\r\n", "5", "", 200, "")
	f("5\r\nhellO\r\n0\r\n"+crc+":NhCmhg==\r\n\r\n", "5", crc, 400, "BadDigest")
	f("5\r\nhello\r\n0\r\n\r\n", "5", crc, 400, "MalformedTrailerError")
	f("5\r\nhello\r\n0\r\n"+crc+":NhCmhg==\r\n\r\n", "6", crc, 400, "IncompleteBody")
	f("5\r\nhello\r\n0\r\n"+crc+":NhCmhg==\r\n\r\n", "4", crc, 400, "IncompleteBody")
	f("5\r\nhel", "5", crc, 400, "IncompleteBody")
	f("x", "1", "x-evil", 400, "x-amz-trailer")
	f("x", "one", crc, 400, "x-amz-decoded-content-length")
}

func TestRangesAndConditions(t *testing.T) {
	t.Parallel()
	s, server := serve(t)
	o := store(t, s, "bkt", "k", "0123456789")
	f := func(wantStatus int, wantBody string, headers ...string) {
		t.Helper()
		r, err := http.NewRequest("GET", server.URL+"/bkt/k", nil)
		must(t, err)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		res, err := http.DefaultClient.Do(r)
		must(t, err)
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		if res.StatusCode != wantStatus || !strings.Contains(string(body), wantBody) || wantStatus < 300 && string(body) != wantBody {
			t.Errorf("%v: %d %q, want %d %q", headers, res.StatusCode, body, wantStatus, wantBody)
		}
		if res.StatusCode == 206 && res.Header.Get("X-Amz-Checksum-Crc64nvme") != "" {
			t.Error("a part carries the checksum of the whole")
		}
	}
	f(206, "234", "Range", "bytes=2-4", "x-amz-checksum-mode", "ENABLED")
	f(206, "89", "Range", "bytes=8-")
	f(206, "89", "Range", "bytes=8-100")
	f(206, "789", "Range", "bytes=-3")
	f(206, "0123456789", "Range", "bytes=-30")
	f(416, "InvalidRange", "Range", "bytes=10-")
	f(416, "InvalidRange", "Range", "bytes=-0")
	f(200, "0123456789", "Range", "bytes=4-2")
	f(200, "0123456789", "Range", "bytes=0-1,3-4")
	f(200, "0123456789", "Range", "lines=1-2")
	f(304, "", "If-None-Match", `"`+o.ETag+`"`)
	f(200, "0123456789", "If-None-Match", `"0"`)
	f(412, "PreconditionFailed", "If-Match", `"0"`)
	f(200, "0123456789", "If-Match", "*")
	f(304, "", "If-Modified-Since", o.LastModified.Format(http.TimeFormat))
	f(412, "PreconditionFailed", "If-Unmodified-Since", "Thu, 01 Jan 2015 00:00:00 GMT")
	f(200, "0123456789", "If-Unmodified-Since", "Thu, 01 Jan 2015 00:00:00 GMT", "If-Match", o.ETag)
}

func TestWhatWouldBeAFalsePromiseIsRefused(t *testing.T) {
	t.Parallel()
	s, server := serve(t)
	c := sdk(server)
	f := func(want string, edit func(*s3.PutObjectInput)) {
		t.Helper()
		in := &s3.PutObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k"), Body: strings.NewReader("x")}
		edit(in)
		if _, err := c.PutObject(t.Context(), in); code(err) != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	f("NotImplemented", func(in *s3.PutObjectInput) { in.Tagging = aws.String("a=b") })
	store(t, s, "bkt", "untagged", "x")
	if out, err := c.GetObjectTagging(t.Context(), &s3.GetObjectTaggingInput{Bucket: aws.String("bkt"), Key: aws.String("untagged")}); err != nil || len(out.TagSet) != 0 {
		t.Errorf("the tags of an object: %+v, %v", out, err)
	}
	_, err := c.PutObjectTagging(t.Context(), &s3.PutObjectTaggingInput{Bucket: aws.String("bkt"), Key: aws.String("untagged"),
		Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}}})
	if code(err) != "NotImplemented" {
		t.Errorf("tags for an object: %v", err)
	}
	_, err = c.GetObjectTagging(t.Context(), &s3.GetObjectTaggingInput{Bucket: aws.String("bkt"), Key: aws.String("k")})
	if code(err) != "NoSuchKey" {
		t.Errorf("the tags of no object: %v", err)
	}
	f("NotImplemented", func(in *s3.PutObjectInput) { in.StorageClass = "GLACIER" })
	f("NotImplemented", func(in *s3.PutObjectInput) { in.ObjectLockMode = "GOVERNANCE" })
	f("AccessControlListNotSupported", func(in *s3.PutObjectInput) { in.ACL = "public-read" })
	f("KeyTooLongError", func(in *s3.PutObjectInput) { in.Key = aws.String(strings.Repeat("k", 1025)) })
	_, err = s.HeadObject("bkt", "k", "")
	wants(t, err, "NoSuchKey")
}

func TestTheSDKListsAndCopies(t *testing.T) {
	t.Parallel()
	s, server := serve(t)
	c := sdk(server)
	var want []string
	for i := range 25 {
		key := fmt.Sprintf("p/%02d &<ü", i)
		store(t, s, "bkt", key, "x")
		want = append(want, key)
	}
	store(t, s, "bkt", "q/deep/er", "y")
	var got []string
	pages := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: aws.String("bkt"), Prefix: aws.String("p/"), MaxKeys: aws.Int32(7), EncodingType: "url"})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		must(t, err)
		for _, o := range page.Contents {
			got = append(got, strings.NewReplacer("%20", " ", "%26", "&", "&", "&", "%3C", "<", "%C3%BC", "ü").Replace(*o.Key))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	old, err := c.ListObjects(t.Context(), &s3.ListObjectsInput{Bucket: aws.String("bkt"), Delimiter: aws.String("/"), MaxKeys: aws.Int32(1)})
	must(t, err)
	if len(old.CommonPrefixes) != 1 || *old.CommonPrefixes[0].Prefix != "p/" || !*old.IsTruncated || *old.NextMarker != "p/" {
		t.Errorf("%+v", old)
	}
	_, err = c.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: aws.String("bkt"), Key: aws.String("copy"), CopySource: aws.String("bkt/q/deep/er")})
	must(t, err)
	if read(t, s, "bkt", "copy", "") != "y" {
		t.Error("the copy is another")
	}
	_, err = c.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: aws.String("bkt"), Key: aws.String("copy"), CopySource: aws.String("bkt/copy")})
	if code(err) != "InvalidRequest" {
		t.Error(err)
	}
}

func TestTheSDKUploadsInParts(t *testing.T) {
	t.Parallel()
	s, server := serve(t)
	c := sdk(server)
	ctx := t.Context()
	for _, kind := range []struct {
		algorithm types.ChecksumAlgorithm
		kind      types.ChecksumType
	}{{"", ""}, {"CRC32", "COMPOSITE"}, {"CRC32", "FULL_OBJECT"}, {"CRC64NVME", ""}, {"SHA256", ""}} {
		u, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: aws.String("bkt"), Key: aws.String("big"), ChecksumAlgorithm: kind.algorithm, ChecksumType: kind.kind})
		must(t, err)
		var parts []types.CompletedPart
		want := ""
		for n, text := range []string{strings.Repeat("a", 5<<20), "b"} {
			number := aws.Int32(int32(n + 1))
			p, err := c.UploadPart(ctx, &s3.UploadPartInput{Bucket: aws.String("bkt"), Key: aws.String("big"), UploadId: u.UploadId, PartNumber: number, Body: strings.NewReader(text), ChecksumAlgorithm: kind.algorithm})
			must(t, err)
			want += text
			parts = append(parts, types.CompletedPart{PartNumber: number, ETag: p.ETag, ChecksumCRC32: p.ChecksumCRC32, ChecksumSHA256: p.ChecksumSHA256, ChecksumCRC64NVME: p.ChecksumCRC64NVME})
		}
		listed, err := c.ListParts(ctx, &s3.ListPartsInput{Bucket: aws.String("bkt"), Key: aws.String("big"), UploadId: u.UploadId})
		must(t, err)
		uploads, err := c.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: aws.String("bkt")})
		must(t, err)
		if len(listed.Parts) != 2 || len(uploads.Uploads) != 1 {
			t.Errorf("%d parts of %d uploads", len(listed.Parts), len(uploads.Uploads))
		}
		_, err = c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: aws.String("bkt"), Key: aws.String("big"), UploadId: u.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}})
		must(t, err)
		got, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("bkt"), Key: aws.String("big"), ChecksumMode: "ENABLED"})
		must(t, err)
		data, err := io.ReadAll(got.Body)
		must(t, err)
		if string(data) != want || !strings.HasSuffix(*got.ETag, `-2"`) {
			t.Errorf("%+v: %d bytes, ETag %s", kind, len(data), *got.ETag)
		}
	}
	u, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: aws.String("bkt"), Key: aws.String("copied")})
	must(t, err)
	p, err := c.UploadPartCopy(ctx, &s3.UploadPartCopyInput{Bucket: aws.String("bkt"), Key: aws.String("copied"), UploadId: u.UploadId, PartNumber: aws.Int32(1),
		CopySource: aws.String("bkt/big"), CopySourceRange: aws.String("bytes=5242878-5242880")})
	must(t, err)
	_, err = c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: aws.String("bkt"), Key: aws.String("copied"), UploadId: u.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: p.CopyPartResult.ETag}}}})
	must(t, err)
	if got := read(t, s, "bkt", "copied", ""); got != "aab" {
		t.Errorf("the copied range is %q", got)
	}
	u, err = c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: aws.String("bkt"), Key: aws.String("gone")})
	must(t, err)
	_, err = c.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: aws.String("bkt"), Key: aws.String("gone"), UploadId: u.UploadId})
	must(t, err)
}

func TestAddressing(t *testing.T) {
	t.Parallel()
	f := func(host, path, wantBucket, wantKey string) {
		t.Helper()
		r := httptest.NewRequest("GET", "http://x"+path, nil)
		r.Host = host
		c := &call{Request: r}
		must(t, c.address())
		if c.bucket != wantBucket || c.key != wantKey {
			t.Errorf("%s%s: bucket %q, key %q", host, path, c.bucket, c.key)
		}
	}
	f("127.0.0.1:4566", "/b/k/l", "b", "k/l")
	f("localhost:4566", "/b/", "b", "")
	f("localhost:4566", "/", "", "")
	f("b.localhost:4566", "/k", "b", "k")
	f("b.c.s3.localhost:4566", "/k%2Fl", "b.c", "k/l")
	f("b.s3.us-east-1.amazonaws.com", "//k", "b", "/k")
	f("s3.localhost:4566", "/b/k", "b", "k")
	f("s3.us-east-1.amazonaws.com", "/b/../k", "b", "../k")
	f("s3.us-east-1.localhost", "/b/k", "b", "k")
}

// A client that goes away in the middle of its body leaves no half object.
func TestAConnectionThatBreaks(t *testing.T) {
	t.Parallel()
	s, server := serve(t)
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	must(t, err)
	_, err = io.WriteString(conn, "PUT /bkt/k HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n"+strings.Repeat("x", 1<<16))
	must(t, err)
	must(t, conn.Close())
	server.Close() // returns when the request has ended
	_, err = s.HeadObject("bkt", "k", "")
	wants(t, err, "NoSuchKey")
	if n := files(t, s.config.Dir, "bkt", "blobs"); n != 0 {
		t.Errorf("%d blobs are left", n)
	}
}
