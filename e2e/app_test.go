package e2e

import (
	"path/filepath"
	"testing"

	"github.com/ephor-io/ephor/internal/uptest"
)

// shopUp is the shop, up.
func shopUp(t testing.TB, args ...string) (a *application, dir string) {
	t.Helper()
	dir = uptest.NewModule(t, uptest.Shop)
	return up(t, dir, uptest.Build(t, dir), filepath.Join(dir, "state"), args...), dir
}
