package lambda

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

// lines takes what a process writes, and makes lines of it.
type lines interface {
	write(p []byte)
	flush() // ends a line that has no end yet
}

// output carries what a process writes to its standard output and error into its log stream.
type output struct {
	log    lines
	null   *os.File // the process's standard input
	reader *os.File
	writer *os.File // the process's end, closed once it has its own
	conn   syscall.RawConn
	done   chan struct{} // closed when nothing more will come

	mu  sync.Mutex // held from reading bytes until they are in the log
	buf []byte
}

func newOutput(log lines) (*output, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, fmt.Errorf("starting an environment: %w", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting an environment: %w", err), null.Close())
	}
	conn, err := r.SyscallConn()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting an environment: %w", err), null.Close(), r.Close(), w.Close())
	}
	return &output{log: log, null: null, reader: r, writer: w, conn: conn, buf: make([]byte, 4<<10)}, nil
}

// started begins to read, when the process has its own end of the pipe.
func (o *output) started() {
	o.null.Close()
	o.writer.Close()
	o.done = make(chan struct{})
	go func() {
		defer close(o.done)
		// Read calls back whenever there may be bytes, and ends at the end of the file or when
		// the file is closed.
		_ = o.conn.Read(func(fd uintptr) bool {
			for {
				if err := o.copy(int(fd)); err != nil {
					return err != syscall.EAGAIN
				}
			}
		})
	}()
}

// maxCopied is the least that copy moves if it is there: what a pipe holds, so that all that was in
// it is in the log then. See "Pipe capacity" in pipe(7).
const maxCopied = 64 << 10

// copy moves bytes that are there into the log: all that were there when it began, and not all that
// come while it is at work, which may have no end. It returns EAGAIN when there are no more for now,
// io.EOF when there will be none, and nil when there may be more.
func (o *output) copy(fd int) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for moved := 0; moved < maxCopied; {
		n, err := syscall.Read(fd, o.buf)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return err
		case n == 0:
			return io.EOF
		default:
			o.log.write(o.buf[:n])
			moved += n
		}
	}
	return nil
}

// drain returns when all that the process has written until now is in the log.
func (o *output) drain() {
	// An error means that the pipe is closed, and so drained.
	_ = o.conn.Control(func(fd uintptr) { _ = o.copy(int(fd)) })
}

// close reads what is left and gives up the pipe.
func (o *output) close() {
	if o.done == nil { // the process was never started
		o.null.Close()
		o.writer.Close()
		o.reader.Close()
		return
	}
	select {
	case <-o.done:
	case <-time.After(drainGrace):
	}
	o.reader.Close()
	<-o.done
	o.log.flush()
}
