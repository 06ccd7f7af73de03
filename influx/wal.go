package influx

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/influxdata/influxdb/tsdb/engine/tsm1"
)

// A WAL segment is a row of entries, each
//
//	┌──────┬────────┬──────────────────────────┐
//	│ kind │ length │ snappy block             │
//	│ 1 B  │ 4 B    │ length B, of which first │
//	│      │        │ its unpacked length,     │
//	│      │        │ as a varint              │
//	└──────┴────────┴──────────────────────────┘
//
// and an entry's write is acknowledged once all of it is on disk. Of the last one, a killed process may have
// written a part.
//
// The engine cuts such a part off while it loads the segment, but by then it has opened the same file for
// appending, at its old end. The next entry leaves a hole where the part was, and the load after that stops at
// the hole: what was acknowledged behind it is lost. So the cut has to be made before the engine opens.
// (https://github.com/influxdata/influxdb/issues/9657 is such a loss, after a disk that was full.)
const (
	walHeader = 1 + 4

	// A snappy copy of 3 bytes makes 64 at most. Beyond that ratio a length is noise, and the engine would
	// allocate whatever it says, up to 4 GB.
	walMaxRatio = 32
)

// mendSegment cuts a WAL segment down to its whole entries.
func mendSegment(path string, onEvent func(Event)) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	whole, err := wholeEntries(f, info.Size())
	if err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	if whole == info.Size() {
		return nil
	}
	if err := f.Truncate(whole); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	onEvent(Event{
		Message: fmt.Sprintf("cut off an entry that was being written: %d of %d bytes kept", whole, info.Size()),
		Path:    path,
	})
	return nil
}

// wholeEntries returns how many bytes of a segment of that size are whole entries, counted from its start. The
// error is one of reading; damage is none.
func wholeEntries(segment io.ReaderAt, size int64) (int64, error) {
	framed, err := framedEntries(bufio.NewReaderSize(io.NewSectionReader(segment, 0, size), 1<<16), size)
	if err != nil {
		return 0, err
	}
	r := tsm1.NewWALSegmentReader(io.NopCloser(io.NewSectionReader(segment, 0, framed)))
	for r.Next() {
		if _, err := r.Read(); err != nil {
			break
		}
	}
	return r.Count(), nil
}

// framedEntries returns how many bytes are entries by their headers alone.
func framedEntries(r *bufio.Reader, size int64) (int64, error) {
	var n int64
	for {
		head, err := r.Peek(walHeader + binary.MaxVarintLen32)
		if err != nil && !errors.Is(err, io.EOF) {
			return n, err
		}
		if len(head) <= walHeader {
			return n, nil
		}
		length := int64(binary.BigEndian.Uint32(head[1:]))
		unpacked, digits := binary.Uvarint(head[walHeader:])
		if length > size-n-walHeader || digits <= 0 || unpacked > uint64(length)*walMaxRatio {
			return n, nil
		}
		if _, err := r.Discard(int(walHeader + length)); err != nil {
			return n, err
		}
		n += walHeader + length
	}
}
