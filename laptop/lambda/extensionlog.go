package lambda

import (
	"bytes"
	"time"
)

// extensionLog is what an external extension says, on its way into the environment's log. Its lines
// are put together apart from the function's. It is guarded by the log's mutex.
type extensionLog struct {
	log     *logStream
	partial []byte // a line that has no end yet
}

func (x *extensionLog) write(p []byte) {
	l := x.log
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			x.partial = append(x.partial, p...)
			p = nil
		} else {
			x.partial = append(x.partial, p[:i]...)
			x.endLine()
			p = p[i+1:]
		}
		if len(x.partial) >= maxLine {
			x.endLine()
		}
	}
	l.save()
}

func (x *extensionLog) flush() {
	x.log.mu.Lock()
	defer x.log.mu.Unlock()
	if len(x.partial) > 0 {
		x.endLine()
		x.log.save()
	}
}

func (x *extensionLog) endLine() {
	x.log.line(time.Now(), x.partial, telling)
	x.partial = x.partial[:0]
}
