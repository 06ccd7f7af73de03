package lambda

import (
	"errors"
	"os"
	"path/filepath"
)

// broken ends the name of what is set aside, which nothing here reads.
const broken = ".broken"

// setAside takes a file out of the state that cannot be read, for whoever wants to mend it, and tells
// what it held.
func (s *Service) setAside(what, file string, why error) {
	to := file + broken
	if err := os.Rename(file, to); err != nil {
		to, why = "", errors.Join(why, err)
	}
	s.cfg.Events(SetAside{What: what, File: file, To: to, Err: why})
}

// mayBeMended says that something is set aside that may need code which nothing else does.
func (s *Service) mayBeMended() bool {
	for _, dir := range []string{"functions", "layers"} {
		if files, err := filepath.Glob(filepath.Join(s.dir(dir), "*"+broken)); err != nil || len(files) > 0 {
			return true
		}
	}
	return false
}
