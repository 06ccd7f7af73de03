package lambda

import (
	"bytes"
	"context"
	"strings"
	"syscall"
	"testing"
	"time"
)

// endless writes into the pipe whatever it has room for before every read, as a function does that
// writes faster than the log takes it.
type endless struct {
	t      *testing.T
	fd     int
	took   int
	atMost int
}

func (e *endless) write(p []byte) {
	e.took += len(p)
	if e.took >= e.atMost {
		return // the test has failed
	}
	for {
		_, err := syscall.Write(e.fd, bytes.Repeat([]byte{'x'}, 4<<10))
		if err == syscall.EINTR {
			continue
		}
		if err != nil && err != syscall.EAGAIN {
			e.t.Error(err)
		}
		if err != nil {
			return
		}
	}
}

func (e *endless) flush() {}

// TestDrainEnds though the process writes for ever, with all that it had written before.
func TestDrainEnds(t *testing.T) {
	t.Parallel()
	log := &endless{t: t, atMost: 16 << 20}
	o, err := newOutput(log)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := o.writer.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) {
		log.fd = int(fd)
		if err := syscall.SetNonblock(log.fd, true); err != nil {
			t.Error(err)
		}
		held := 0
		for {
			n, err := syscall.Write(log.fd, bytes.Repeat([]byte{'y'}, 4<<10))
			if err == syscall.EINTR {
				continue
			}
			if err != nil {
				break
			}
			held += n
		}
		o.drain()
		if log.took < held || log.took >= log.atMost {
			t.Errorf("took %d bytes; the pipe held %d", log.took, held)
		}
	}); err != nil {
		t.Fatal(err)
	}
	o.close()
}

// TestTimeoutOfAFlood: a function that writes without end, from several processes, is ended by its timeout.
func TestTimeoutOfAFlood(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t, func(in *FunctionInput) { in.Timeout = time.Second }))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := s.Invoke(ctx, InvokeInput{Function: "hello", LogTail: true, Payload: []byte(
		`{"do":"sh","text":"for i in 1 2 3 4; do yes 0123456789 >/proc/$PPID/fd/1 & done; wait"}`)})
	if err != nil || !strings.Contains(string(out.Payload), "Task timed out after 1.00 seconds") {
		t.Errorf("%v %s", err, out.Payload)
	}
}
