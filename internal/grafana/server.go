package grafana

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ephor-io/ephor/internal/guard"
)

// EndedError is a Grafana that has ended by itself.
type EndedError struct {
	Err  error
	Log  string // the folder of its log
	Last string // the last line of it
}

func (e *EndedError) Error() string {
	if e.Last == "" {
		return fmt.Sprintf("Grafana ended: %v; its log is in %s", e.Err, e.Log)
	}
	return fmt.Sprintf("Grafana ended: %v: %s; its log is in %s", e.Err, e.Last, e.Log)
}

func (e *EndedError) Unwrap() error { return e.Err }

// Server is a Grafana that runs. It ends with this process, however that ends. Its methods may be called one at a time.
type Server struct {
	config   Config
	port     int
	password string
	client   *http.Client

	cmd   *exec.Cmd
	guard *guard.Guard
	ended chan struct{} // err is known
	err   error
}

// healthy says that a Grafana answers whose administrator has our password, and not a stranger at the port.
//
// https://grafana.com/docs/grafana/latest/developers/http_api/other/#health-api
func (s *Server) healthy(ctx context.Context) bool {
	return s.call(ctx, http.MethodGet, "/api/health", false) == nil && s.call(ctx, http.MethodGet, "/api/org", true) == nil
}

// call makes one request, as the administrator or as anybody.
func (s *Server) call(ctx context.Context, method, path string, admin bool) error {
	r, err := http.NewRequestWithContext(ctx, method, s.URL()+path, nil)
	if err != nil {
		return err
	}
	if admin {
		r.SetBasicAuth("admin", s.password)
	}
	response, err := s.client.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var said struct{ Message string }
	if err := json.NewDecoder(response.Body).Decode(&said); err != nil || response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: Grafana answers %s: %s", path, response.Status, said.Message)
	}
	return nil
}

// URL is where it is, without a slash at its end.
func (s *Server) URL() string { return "http://127.0.0.1:" + strconv.Itoa(s.port) }

// Port is where it listens.
func (s *Server) Port() int { return s.port }

// PID is its process.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Provide makes it show other dashboards and alert rules: files are Config.Provisioning anew. The data source stays as it was.
//
// https://grafana.com/docs/grafana/latest/developers/http_api/admin/#reload-provisioning-configurations
func (s *Server) Provide(ctx context.Context, files map[string][]byte) error {
	changed, err := s.config.provide(files)
	if err != nil {
		return err
	}
	for _, kind := range []string{"dashboards", "alerting"} {
		if changed[kind] {
			err = errors.Join(err, s.call(ctx, http.MethodPost, "/api/admin/provisioning/"+kind+"/reload", true))
		}
	}
	return err
}

// Ended is closed when it has ended.
func (s *Server) Ended() <-chan struct{} { return s.ended }

// Err is why it has ended by itself, an *EndedError. It may be called after Ended.
func (s *Server) Err() error { return s.err }

// patience is how long Grafana has to end.
const patience = 5 * time.Second

// Close asks it to end, makes it, and waits until it has. It may be called again.
func (s *Server) Close() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-s.ended:
	case <-time.After(patience):
	}
	s.guard.Close()
	<-s.ended
}

// lastLine is the last line of a log that has something in it, "" if there is none.
func lastLine(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
