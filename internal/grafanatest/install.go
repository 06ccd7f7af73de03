package grafanatest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Install makes of dir what a Grafana of that version is unpacked to, with the stand-in for its program. It builds that
// in the module that the process's folder is in.
func Install(dir, version string) error {
	if err := os.MkdirAll(filepath.Join(dir, "conf"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "conf", "defaults.ini"), nil, 0o644); err != nil {
		return err
	}
	build := exec.Command("go", "build", "-ldflags", "-X main.version="+version, "-o", filepath.Join(dir, "bin", "grafana"),
		"github.com/ephor-io/ephor/internal/grafanatest/grafana")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the stand-in for Grafana: %w: %s", err, out)
	}
	return nil
}
