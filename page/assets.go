package page

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// uPlot 1.6.32 draws the graphs, as it does Grafana's: https://github.com/leeoniya/uPlot, whose licence lies beside it.
//
//go:embed assets
var embedded embed.FS

// assets are the embedded files, each with its type and its checksum as its ETag. They keep their
// names from one version of the program to the next, so a browser may keep them but has to ask
// whether they are still the same.
type assets struct {
	files map[string]asset
}

type asset struct {
	body, kind, etag string
}

// kinds are named here because the machine's own table may hold anything.
var kinds = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
	"":     "text/plain; charset=utf-8",
}

func newAssets() (*assets, error) {
	a := &assets{files: map[string]asset{}}
	err := fs.WalkDir(embedded, "assets", func(name string, entry fs.DirEntry, err error) error {
		kind, served := kinds[path.Ext(name)]
		if err != nil || entry.IsDir() || !served {
			return err
		}
		body, err := embedded.ReadFile(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		a.files["/"+name] = asset{string(body), kind, `"` + hex.EncodeToString(sum[:12]) + `"`}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("page: reading the assets: %w", err)
	}
	return a, nil
}

func (a *assets) serve(w http.ResponseWriter, r *http.Request) {
	f, ok := a.files[r.URL.Path]
	if !ok {
		writeError(w, http.StatusNotFound, "there is no asset "+r.URL.Path)
		return
	}
	h := w.Header()
	h.Set("ETag", f.etag)
	h.Set("Cache-Control", "no-cache")
	if strings.Contains(r.Header.Get("If-None-Match"), f.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", f.kind)
	h.Set("Content-Length", strconv.Itoa(len(f.body)))
	w.WriteHeader(http.StatusOK)
	w.Write([]byte(f.body))
}
