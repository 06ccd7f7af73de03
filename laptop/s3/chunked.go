package s3

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// chunkedReader decodes the content encoding aws-chunked, in which SDKs send a body together with a
// checksum that they compute on the way:
//
//	<size in hex>[;chunk-signature=…]\r\n
//	<size bytes>\r\n
//	0[;chunk-signature=…]\r\n
//	x-amz-checksum-crc32:…\r\n
//	\r\n
//
// Signatures are not verified. https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
type chunkedReader struct {
	r       *bufio.Reader
	left    int64 // of the chunk being read
	begun   bool  // a chunk was read before
	err     error
	trailer http.Header
}

// Bounds on what is no payload, which a client could send without end.
const (
	maxChunkLine = 4096
	maxTrailers  = 32
)

func newChunkedReader(r io.Reader) *chunkedReader {
	return &chunkedReader{r: bufio.NewReaderSize(r, 32<<10), trailer: http.Header{}}
}

// Trailer are the headers behind the last chunk; they are there once Read has returned io.EOF.
func (c *chunkedReader) Trailer() http.Header { return c.trailer }

func (c *chunkedReader) Read(p []byte) (int, error) {
	if c.err == nil && c.left == 0 {
		c.err = c.nextChunk()
	}
	if c.err != nil {
		return 0, c.err
	}
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.r.Read(p)
	c.left -= int64(n)
	if errors.Is(err, io.EOF) {
		err = incomplete()
	}
	c.err = err
	if n > 0 {
		return n, nil
	}
	return 0, err
}

// nextChunk reads up to the next chunk's first byte. At the end of the last chunk it reads the
// trailers and returns io.EOF.
func (c *chunkedReader) nextChunk() error {
	if c.begun {
		if line, err := c.line(); err != nil || line != "" {
			return malformed("a chunk is longer than it says", err)
		}
	}
	c.begun = true
	line, err := c.line()
	if err != nil {
		return malformed("a chunk's head", err)
	}
	size, _, _ := strings.Cut(line, ";")
	n, err := strconv.ParseUint(strings.TrimSpace(size), 16, 63)
	if err != nil {
		return malformed(fmt.Sprintf("a chunk's size %.40q", size), nil)
	}
	if n > 0 {
		c.left = int64(n)
		return nil
	}
	for range maxTrailers {
		line, err := c.line()
		if errors.Is(err, io.EOF) || err == nil && line == "" {
			return io.EOF // some clients leave out the last empty line
		}
		name, value, ok := strings.Cut(line, ":")
		if err != nil || !ok {
			return malformed("a trailer", err)
		}
		c.trailer.Add(textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name)), strings.TrimSpace(value))
	}
	return malformed("too many trailers", nil)
}

// line reads one line without its end; io.EOF means that nothing was left.
func (c *chunkedReader) line() (string, error) {
	raw, err := c.r.ReadSlice('\n')
	switch {
	case errors.Is(err, io.EOF) && len(raw) > 0:
		return "", incomplete()
	case err != nil:
		return "", err
	case len(raw) > maxChunkLine:
		return "", bufio.ErrBufferFull
	}
	return strings.TrimRight(string(raw), "\r\n"), nil
}

func incomplete() error {
	return fail("IncompleteBody", 400, "The request body terminated unexpectedly")
}

func malformed(what string, err error) error {
	if errors.Is(err, io.EOF) {
		return incomplete()
	}
	if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
		return err
	}
	return fail("InvalidRequest", 400, "The aws-chunked body is malformed: %s", what)
}
