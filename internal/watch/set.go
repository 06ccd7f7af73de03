package watch

import (
	"os"
	"path/filepath"
	"strings"
)

// A set knows which paths matter to a build.
type set struct {
	files map[string]bool
	// dirs are the folders to watch: those of the files and all above them up to their
	// module's, since new packages come up there.
	dirs     map[string]bool
	packages map[string]bool // dirs in which a new Go file matters
	embedded map[string]bool // dirs in which any new file matters
	modules  map[string]bool // dirs with a go.mod
	// known are the files in embedded that no pattern embeds.
	known map[string]bool
	// entered are the dirs of no listed file: maxEntered at most.
	entered map[string]bool
}

// maxEntered keeps somebody who unpacks a large archive from using up the system's watches.
const maxEntered = 64

func newSet(files []string) *set {
	s := &set{
		files: map[string]bool{}, dirs: map[string]bool{}, packages: map[string]bool{},
		embedded: map[string]bool{}, modules: map[string]bool{}, known: map[string]bool{}, entered: map[string]bool{},
	}
	for _, f := range files {
		f = filepath.Clean(f)
		dir, name := filepath.Split(f)
		dir = filepath.Clean(dir)
		s.files[f], s.dirs[dir] = true, true
		switch {
		case name == "go.mod":
			s.modules[dir] = true
		case isModuleFile(name):
		case strings.HasSuffix(name, ".go"):
			s.packages[dir] = true
		default:
			s.embedded[dir] = true
		}
	}
	for f := range s.files {
		s.climb(filepath.Dir(f))
	}
	for dir := range s.embedded {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if path := filepath.Join(dir, e.Name()); !s.files[path] && !e.IsDir() {
				s.known[path] = true
			}
		}
	}
	return s
}

// climb adds the folders between dir and its module's.
func (s *set) climb(dir string) {
	var between []string
	for d := dir; !s.modules[d]; d = filepath.Dir(d) {
		between = append(between, d)
		if d == filepath.Dir(d) {
			return // in no module of the set
		}
	}
	for _, d := range between {
		s.dirs[d] = true
	}
}

// relevant reports whether a build would see that the file was written, made or removed.
func (s *set) relevant(path string) bool {
	if s.files[path] {
		return true
	}
	dir, name := filepath.Split(path)
	dir = filepath.Clean(dir)
	switch {
	case temporary(name):
		return false
	case isModuleFile(name):
		return s.modules[dir]
	case s.embedded[dir] && !s.known[path] && !s.dirs[path] && !isDir(path):
		return true
	case strings.HasSuffix(name, ".go"):
		// The go command ignores what begins with an underscore or a dot.
		return s.packages[dir] && !strings.HasSuffix(name, "_test.go") && !strings.HasPrefix(name, "_")
	}
	return false
}

// mayEnter reports whether path, if it is a folder, could become a package.
func (s *set) mayEnter(path string) bool {
	dir, name := filepath.Split(path)
	switch name {
	case "testdata", "vendor", "node_modules":
		return false
	}
	return s.dirs[filepath.Clean(dir)] && len(s.entered) < maxEntered && !temporary(name) && !strings.HasPrefix(name, "_")
}

// enter takes in a folder that no listed file is in.
func (s *set) enter(dir string) {
	s.dirs[dir], s.packages[dir], s.entered[dir] = true, true, true
	if s.embedded[filepath.Dir(dir)] {
		s.embedded[dir] = true
	}
}

// takeOver keeps what was entered before and returns the folders that were not in before.
func (s *set) takeOver(before *set) (added map[string]bool) {
	added = map[string]bool{}
	for dir := range s.dirs {
		if !before.dirs[dir] {
			added[dir] = true
		}
	}
	for dir := range before.entered {
		if !s.dirs[dir] && isDir(dir) {
			s.enter(dir)
		}
	}
	return added
}

func isModuleFile(name string) bool {
	switch name {
	case "go.mod", "go.sum", "go.work", "go.work.sum":
		return true
	}
	return false
}

// temporary reports whether an editor or a tool would give a passing file this name: .x.swp,
// #x#, x~, x.tmp, and 4913, which vim writes to see whether it can.
func temporary(name string) bool {
	switch {
	case strings.HasPrefix(name, "."), strings.HasPrefix(name, "#"), strings.HasSuffix(name, "~"):
		return true
	case strings.HasSuffix(name, ".tmp"), strings.HasSuffix(name, ".swp"), strings.HasSuffix(name, ".swx"):
		return true
	}
	return name != "" && strings.Trim(name, "0123456789") == ""
}
