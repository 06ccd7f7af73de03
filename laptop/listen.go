package laptop

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// Port is a port of the laptop.
type Port struct {
	// Number is the port; 0 takes any that is free.
	Number int
	// Fixed makes a port that is taken an error. Otherwise the next free one is used.
	Fixed bool
}

// PortTakenError is a fixed port that another process has.
type PortTakenError struct {
	Name   string // page, store, endpoint or gateway
	Number int
}

func (e *PortTakenError) Error() string {
	return fmt.Sprintf("port %d, asked for the %s, is taken by another process", e.Number, e.Name)
}

// nextPorts is how many ports are tried after one that is taken.
const nextPorts = 100

// listen opens p on loopback, for the part of the laptop called name.
func listen(name string, p Port) (net.Listener, error) {
	for n := p.Number; ; n++ {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(n)))
		switch {
		case err == nil:
			return l, nil
		case !errors.Is(err, syscall.EADDRINUSE) && !errors.Is(err, syscall.EACCES):
			return nil, fmt.Errorf("listening for the %s: %w", name, err)
		case p.Fixed:
			if errors.Is(err, syscall.EACCES) {
				return nil, fmt.Errorf("port %d, asked for the %s: %w", p.Number, name, err)
			}
			return nil, &PortTakenError{Name: name, Number: p.Number}
		case n >= p.Number+nextPorts || n >= 65535:
			return nil, fmt.Errorf("ports %d to %d, tried for the %s, are all taken", p.Number, n, name)
		}
	}
}

func portOf(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

// probe reports what listen would, without keeping the port.
func probe(name string, p Port) error {
	if !p.Fixed || p.Number == 0 {
		return nil
	}
	l, err := listen(name, p)
	if err != nil {
		return err
	}
	return l.Close()
}

// closeListener closes a listener that a server may have closed already.
func closeListener(l net.Listener) error {
	if err := l.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
