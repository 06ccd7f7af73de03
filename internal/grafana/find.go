// Package grafana runs a Grafana that is installed on this machine, for as long as this process lives and on loopback alone.
//
//	program, err := grafana.Find(ctx, "") // on PATH
//	…
//	g, err := grafana.Start(ctx, grafana.Config{Program: program, Dir: dir, Provisioning: files})
//	…
//	fmt.Println(g.URL())
//	…
//	g.Close()
package grafana

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Program is an installed Grafana.
type Program struct {
	Path    string // the executable
	Home    string // the folder with conf/defaults.ini and public/
	Version string
}

// NotFoundError is a Grafana that is not where it was looked for.
type NotFoundError struct {
	Where string // "" is PATH
	Why   string
}

func (e *NotFoundError) Error() string {
	if e.Where == "" {
		return "Grafana is not on PATH: " + e.Why
	}
	return e.Where + " is no Grafana: " + e.Why
}

// OldError is a Grafana that is older than Oldest.
type OldError struct{ Program Program }

func (e *OldError) Error() string {
	return fmt.Sprintf("%s is Grafana %s, and the oldest that does is %d.0", e.Program.Path, e.Program.Version, Oldest)
}

// Oldest is the first version whose alert rules compare with one limit as ours do: before, such a rule wants two numbers.
// Rules in files are there since 9.1.
//
// https://github.com/grafana/grafana/pull/66859
// https://grafana.com/docs/grafana/v9.1/alerting/set-up/provision-alerting-resources/file-provisioning/
const Oldest = 10

// names are the executable's, the newer first.
//
// https://grafana.com/docs/grafana/latest/administration/cli/
var names = [...]string{"grafana", "grafana-server"}

// Find finds an installed Grafana: where is its home or its executable, or "" for the one on PATH. Its errors are a
// *NotFoundError and an *OldError.
func Find(ctx context.Context, where string) (Program, error) {
	path, err := executable(where)
	if err != nil {
		return Program{}, err
	}
	p := Program{Path: path, Home: home(path)}
	if p.Home == "" {
		return p, &NotFoundError{where, "there is no conf/defaults.ini beside the folder of " + path}
	}
	// A package's executable on PATH may be a script that adds settings of its own.
	for _, name := range names {
		if own := filepath.Join(p.Home, "bin", name); isFile(own) {
			p.Path = own
			break
		}
	}
	if p.Version, err = version(ctx, p.Path); err != nil {
		return p, &NotFoundError{where, err.Error()}
	}
	major, _, _ := strings.Cut(p.Version, ".")
	if n, err := strconv.Atoi(major); err != nil || n < Oldest {
		return p, &OldError{p}
	}
	return p, nil
}

func executable(where string) (string, error) {
	if where == "" {
		for _, name := range names {
			if path, err := exec.LookPath(name); err == nil {
				return filepath.Abs(path)
			}
		}
		return "", &NotFoundError{"", "there is neither " + names[0] + " nor " + names[1]}
	}
	path, err := filepath.Abs(where)
	if err != nil {
		return "", fmt.Errorf("finding Grafana: %w", err)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", &NotFoundError{where, err.Error()}
	case !info.IsDir():
		return path, nil
	}
	for _, name := range names {
		for _, folder := range []string{"bin", "."} {
			if at := filepath.Join(path, folder, name); isFile(at) {
				return at, nil
			}
		}
	}
	return "", &NotFoundError{where, "there is no bin/" + names[0] + " in it"}
}

// home is the folder that an executable runs from: the one above its own where it was unpacked, or share/grafana there, as
// Homebrew's and the packages of Debian and Red Hat have it.
//
// https://grafana.com/docs/grafana/latest/setup-grafana/installation/
func home(executable string) string {
	if real, err := filepath.EvalSymlinks(executable); err == nil {
		executable = real
	}
	above := filepath.Dir(filepath.Dir(executable))
	for _, dir := range []string{above, filepath.Join(above, "share", "grafana")} {
		if isFile(filepath.Join(dir, "conf", "defaults.ini")) {
			return dir
		}
	}
	return ""
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

var versionText = regexp.MustCompile(`(?m)^Version ([0-9]+(?:\.[0-9]+)*\S*)`)

// version asks an executable for its version. Both know the flag, one behind its command.
func version(ctx context.Context, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, append(serverCommand(path), "-v")...)
	cmd.Env = environment()
	out, err := cmd.CombinedOutput()
	found := versionText.FindSubmatch(out)
	switch {
	case ctx.Err() != nil:
		return "", fmt.Errorf("%s does not tell its version: %w", path, context.Cause(ctx))
	case found == nil && err != nil:
		return "", fmt.Errorf("%s does not tell its version: %w", path, err)
	case found == nil:
		return "", fmt.Errorf("%s does not tell its version", path)
	}
	return string(found[1]), nil
}

// serverCommand is the command by which an executable serves.
func serverCommand(path string) []string {
	if filepath.Base(path) == "grafana-server" {
		return nil
	}
	return []string{"server"}
}

// environment is this process's, without what would change Grafana's settings, the address that it listens at among them.
//
// https://grafana.com/docs/grafana/latest/setup-grafana/configure-grafana/#override-configuration-with-environment-variables
func environment() []string {
	var kept []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "GF_") {
			kept = append(kept, v)
		}
	}
	return kept
}
