//go:build unix

package metrics

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// asidePair is a connection that was set aside, and its other end.
func asidePair(t *testing.T) (ours, theirs net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialed, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if theirs, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	if ours, err = setAside(dialed); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ours.Close()
		theirs.Close()
	})
	if ours.RemoteAddr().String() != theirs.LocalAddr().String() || ours.LocalAddr().String() != theirs.RemoteAddr().String() {
		t.Errorf("%v to %v, want %v to %v", ours.LocalAddr(), ours.RemoteAddr(), theirs.RemoteAddr(), theirs.LocalAddr())
	}
	return ours, theirs
}

func TestAsideCarries(t *testing.T) {
	t.Parallel()
	ours, theirs := asidePair(t)
	got := make(chan string, 1)
	go func() {
		var b [5]byte
		if _, err := io.ReadFull(ours, b[:]); err != nil {
			t.Error(err)
		}
		got <- string(b[:])
	}()
	if _, err := theirs.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if s := <-got; s != "hello" {
		t.Errorf("%q came", s)
	}
	if _, err := ours.Write([]byte("world")); err != nil {
		t.Fatal(err)
	}
	if err := ours.Close(); err != nil {
		t.Error(err)
	}
	if b, err := io.ReadAll(theirs); err != nil || string(b) != "world" {
		t.Errorf("%q came, %v", b, err)
	}
}

// A read that waits ends with the deadline, which an aside can only have now.
func TestAsideIsEnded(t *testing.T) {
	t.Parallel()
	ours, _ := asidePair(t)
	ended := make(chan error, 1)
	go func() {
		_, err := ours.Read(make([]byte, 1))
		ended <- err
	}()
	if err := ours.SetDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, io.EOF) {
		t.Errorf("the read ended with %v", err)
	}
	if err := ours.Close(); err != nil {
		t.Error(err)
	}
	if err := ours.SetDeadline(time.Unix(1, 0)); err == nil {
		t.Error("a closed one takes a deadline")
	}
}

// What an aside is for: its descriptor is one that a read may wait on, which Go's poller does not know, and that no
// child inherits.
func TestAsideIsBlockingAndNotInherited(t *testing.T) {
	t.Parallel()
	ours, _ := asidePair(t)
	raw, err := ours.(*aside).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		status, err := unix.FcntlInt(fd, unix.F_GETFL, 0)
		if err != nil || status&unix.O_NONBLOCK != 0 {
			t.Errorf("its status is %#x, %v: a read does not wait", status, err)
		}
		flags, err := unix.FcntlInt(fd, unix.F_GETFD, 0)
		if err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("its flags are %#x, %v: a child inherits it", flags, err)
		}
	})
	if err != nil {
		t.Error(err)
	}
	if err := ours.(*aside).File.SetReadDeadline(time.Now()); !errors.Is(err, os.ErrNoDeadline) {
		t.Errorf("the poller knows it: %v", err)
	}
}

// The extension's connection is one, and says whether something has come without reading it.
func TestTheExtensionIsAside(t *testing.T) {
	t.Parallel()
	event, told := make(chan struct{}), make(chan struct{})
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/register") {
			w.Header().Set(headerExtensionIdentifier, "id")
			return
		}
		<-event
		fmt.Fprint(w, `{"eventType":"INVOKE"}`)
	}))
	defer api.Close()
	ext, err := register(t.Context(), strings.TrimPrefix(api.URL, "http://"), onInvoke)
	if err != nil {
		t.Fatal(err)
	}
	defer ext.close()
	if _, ok := idle(t, ext.wire).conn.(*aside); !ok {
		t.Errorf("it is a %T", idle(t, ext.wire).conn)
	}
	ev, err := ext.next(t.Context(), func(silent func() bool) {
		defer close(told)
		if !silent() {
			t.Error("an event has come that was not sent")
		}
		close(event)
		for deadline := time.Now().Add(time.Minute); silent(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Error("the event does not come")
				return
			}
		}
	})
	<-told
	if err != nil || ev.EventType != "INVOKE" {
		t.Errorf("%+v, %v", ev, err)
	}
}

// A connection that cannot be set aside is closed.
func TestAsideLeaksNothing(t *testing.T) {
	t.Parallel()
	for _, withSocket := range []bool{false, true} {
		c := &brokenConn{withSocket: withSocket}
		if _, err := setAside(c); err == nil || !c.closed {
			t.Errorf("%v; closed: %v", err, c.closed)
		}
	}
}

// A brokenConn has a socket that cannot be got at, or one that is not there.
type brokenConn struct {
	net.Conn
	withSocket, closed bool
}

func (c *brokenConn) Close() error {
	c.closed = true
	return nil
}

func (c *brokenConn) SyscallConn() (syscall.RawConn, error) {
	if !c.withSocket {
		return nil, errors.New("no socket")
	}
	return noDescriptor{}, nil
}

type noDescriptor struct{ syscall.RawConn }

func (noDescriptor) Control(f func(uintptr)) error {
	f(^uintptr(0)) // dup of which fails
	return nil
}
