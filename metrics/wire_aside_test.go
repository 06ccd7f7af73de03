//go:build unix

package metrics

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"
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
