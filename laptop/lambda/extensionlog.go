package lambda

import "time"

// extensionLog is what an external extension says, on its way into the environment's log. Its lines
// are put together apart from the function's. It is guarded by the log's mutex.
type extensionLog struct {
	log     *logStream
	partial []byte // a line that has no end yet
}

func (x *extensionLog) write(p []byte) {
	x.log.mu.Lock()
	defer x.log.mu.Unlock()
	x.partial = eachLine(x.partial, p, x.say)
	x.log.save()
}

func (x *extensionLog) flush() {
	x.log.mu.Lock()
	defer x.log.mu.Unlock()
	if len(x.partial) > 0 {
		x.say(x.partial)
		x.partial = nil
		x.log.save()
	}
}

func (x *extensionLog) say(line []byte) {
	if x.log.json.keeps(line) {
		x.log.line(time.Now(), line, telling)
	}
	x.log.telemetry.line(telemetryExtension, line, x.log.json != nil)
}
