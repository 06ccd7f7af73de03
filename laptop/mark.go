package laptop

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/ephor-io/ephor/laptop/ssm"
)

// mark does what the machine's refresh does: it puts a mark of a deploy into the store. One that cannot be put is told; the
// deploy is none the worse.
func (l *Laptop) mark(p ssm.Parameter) {
	if l.config.Mark == nil {
		return
	}
	point, policy, ok := l.config.Mark(p.Name, p.Value, p.Modified)
	if !ok {
		return
	}
	if err := write(l.host.store(), l.host.config.Database, point, policy); err != nil {
		l.config.Events(Problem{Err: fmt.Errorf("marking a deploy on the dashboards: %w", err)})
	}
}

// write puts points into a store, in process, as the store's port may not be served yet.
func write(store http.Handler, database, points, policy string) error {
	address := "/write?" + url.Values{"db": {database}, "rp": {policy}}.Encode()
	r, err := http.NewRequest(http.MethodPost, address, strings.NewReader(points))
	if err != nil {
		return err
	}
	var a answer
	store.ServeHTTP(&a, r)
	if a.status != http.StatusNoContent {
		return fmt.Errorf("the store answers %d: %s", a.status, a.text.String())
	}
	return nil
}

// answer is what a handler in this process answers.
type answer struct {
	header http.Header
	status int
	text   bytes.Buffer
}

func (a *answer) Header() http.Header {
	if a.header == nil {
		a.header = http.Header{}
	}
	return a.header
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(text []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.text.Write(text)
}
