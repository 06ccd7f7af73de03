package grafana

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/ephor-io/ephor/internal/guard"
)

// Config is a Grafana that is to run.
type Config struct {
	Program Program
	// Dir is where all is kept that is this Grafana's: its database, settings, provisioning and log.
	Dir string
	// Port is where it listens on loopback; 0 takes any that is free. Fixed makes a port that is taken an error; otherwise
	// the next free one is used.
	Port  int
	Fixed bool
	// Settings are further lines of grafana.ini, in sections that are not set here: paths, server, security, auth.anonymous, log.
	Settings string
	// Provisioning are the files of the folder ProvisioningFolder, by their slash-separated names in it.
	Provisioning map[string][]byte
}

// PortTakenError is a fixed port that another process has.
type PortTakenError struct{ Port int }

func (e *PortTakenError) Error() string {
	return fmt.Sprintf("port %d, asked for Grafana, is taken by another process", e.Port)
}

// tries is how often another port is taken where a stranger was quicker.
const tries = 5

// Start starts a Grafana and waits until it answers as whom it was told to be, or ctx ends. Its errors are a
// *PortTakenError and an *EndedError.
func Start(ctx context.Context, c Config) (*Server, error) {
	for _, dir := range []string{c.data(), c.logs()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("making Grafana's folder: %w", err)
		}
	}
	if _, err := c.provide(c.Provisioning); err != nil {
		return nil, err
	}
	password, err := c.password()
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		port, err := free(c.Port, c.Fixed)
		if err != nil {
			return nil, err
		}
		s := &Server{config: c, port: port, password: password, client: &http.Client{Timeout: 30 * time.Second}}
		err = s.run(ctx)
		var ended *EndedError
		if err == nil {
			return s, nil
		}
		// Between the look and Grafana's own start somebody may have taken the port.
		if _, taken := free(port, true); c.Fixed || try == tries || !errors.As(err, &ended) || taken == nil {
			return nil, err
		}
	}
}

// free is a port on loopback that nobody listens at now.
func free(from int, fixed bool) (int, error) {
	for n := from; ; n++ {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(n)))
		switch {
		case err == nil:
			port := l.Addr().(*net.TCPAddr).Port
			return port, l.Close()
		case fixed && errors.Is(err, syscall.EADDRINUSE):
			return 0, &PortTakenError{n}
		case fixed || n == from+100 || n == 65535 || !errors.Is(err, syscall.EADDRINUSE) && !errors.Is(err, syscall.EACCES):
			return 0, fmt.Errorf("finding a port for Grafana: %w", err)
		}
	}
}

// startLimit is how long Grafana has to start: it makes its database when it does so first.
const startLimit = 5 * time.Minute

// run starts the process and waits until it answers.
func (s *Server) run(ctx context.Context) error {
	if err := os.WriteFile(s.config.ini(), []byte(s.config.settings(s.port, s.password)), 0o600); err != nil {
		return fmt.Errorf("writing Grafana's settings: %w", err)
	}
	output, err := os.Create(filepath.Join(s.config.logs(), "output.log"))
	if err != nil {
		return fmt.Errorf("opening Grafana's log: %w", err)
	}
	defer output.Close() // the process has it open itself
	g, err := guard.Start()
	if err != nil {
		return err
	}
	s.guard = g
	s.cmd = exec.Command(s.config.Program.Path, append(serverCommand(s.config.Program.Path), "--homepath", s.config.Program.Home, "--config", s.config.ini())...)
	s.cmd.Dir, s.cmd.Env = s.config.Dir, environment()
	s.cmd.Stdout, s.cmd.Stderr = output, output
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: g.Group()}
	if err := s.cmd.Start(); err != nil {
		g.Close()
		return fmt.Errorf("starting Grafana: %w", err)
	}
	s.ended = make(chan struct{})
	go func() {
		err := s.cmd.Wait()
		if err == nil {
			err = errors.New("exit status 0")
		}
		s.err = &EndedError{Err: err, Log: s.config.logs(), Last: lastLine(filepath.Join(s.config.logs(), "output.log"))}
		close(s.ended)
	}()
	for limit := time.After(startLimit); ; {
		select {
		case <-s.ended:
			g.Close()
			return s.err
		case <-ctx.Done():
			s.Close()
			return context.Cause(ctx)
		case <-limit:
			s.Close()
			return fmt.Errorf("no answer of Grafana within %s; its log is in %s", startLimit, s.config.logs())
		case <-time.After(50 * time.Millisecond):
		}
		if s.healthy(ctx) {
			return nil
		}
	}
}
