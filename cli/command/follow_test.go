package command

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// A source that is as it was before it failed brings nothing new; that all is well again is said, once.
func TestAMendedSourceIsTold(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	s := &session{terminal: newTerminal(&out)}
	reload := func(news []string, err error) {
		s.tell("building", false)
		s.tellSuccession(news, err, "the version before it goes on running", time.Second)
	}
	reload(nil, nil)
	reload(nil, errors.New("a route twice"))
	s.tell("building", false) // of a change that another overtook
	reload(nil, nil)
	reload(nil, nil)
	reload(nil, errors.New("a route twice"))
	reload([]string{"route GET /x"}, nil)
	reload(nil, nil)
	s.terminal.flush()
	if n := strings.Count(out.String(), "the source is mended"); n != 1 {
		t.Errorf("said %d times:\n%s", n, &out)
	}
	if s.notice.Load() != nil {
		t.Errorf("the page still says %+v", s.notice.Load())
	}
	s.terminal.close()
}
