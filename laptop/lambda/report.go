package lambda

import (
	"cmp"
	"math"
	"strconv"
	"time"
)

// report is what the REPORT line tells of an invocation.
type report struct {
	inv        *invocation
	duration   time.Duration // from the event until runtime and extensions were done
	init       time.Duration // 0 unless it was the environment's first invocation
	memory     int           // bytes, the most the process has had
	memorySize int           // MB
	status     string        // empty, timeout or error
	kind       string        // of the error
	held       string        // how the memory is held to its size
}

// line is the REPORT line, in the form of
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-view.html. The init phase
// is billed, as it is since August 2025. Last comes a field that Lambda's line does not have, in the
// form of the others: how the memory is held to its size on this machine.
func (r report) line() []byte {
	b := make([]byte, 0, 256)
	b = append(b, "REPORT RequestId: "...)
	b = append(b, r.inv.id...)
	b = append(b, "\tDuration: "...)
	b = appendMS(b, r.duration)
	b = append(b, " ms\tBilled Duration: "...)
	b = strconv.AppendInt(b, int64(math.Ceil(ms(r.duration+r.init))), 10)
	b = append(b, " ms\tMemory Size: "...)
	b = strconv.AppendInt(b, int64(r.memorySize), 10)
	b = append(b, " MB\tMax Memory Used: "...)
	b = strconv.AppendInt(b, int64((r.memory+1<<20-1)>>20), 10)
	b = append(b, " MB\t"...)
	if r.init > 0 {
		b = append(b, "Init Duration: "...)
		b = appendMS(b, r.init)
		b = append(b, " ms\t"...)
	}
	if r.status != "" {
		b = append(b, "Status: "...)
		b = append(b, r.status...)
	}
	if r.status == "error" {
		b = append(b, "\tError Type: "...)
		b = append(b, r.kind...)
	}
	if r.status != "" {
		b = append(b, '\t')
	}
	b = append(b, "Memory Limit: "...)
	b = append(b, r.held...)
	return append(b, '\t')
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func appendMS(b []byte, d time.Duration) []byte {
	return strconv.AppendFloat(b, ms(d), 'f', 2, 64)
}

// start puts the START line before all that is written from here on, and keeps the lines if
// somebody wants their tail. It reaches the file with the next line or commit, so that the event
// can reach the function first.
func (l *logStream) start(inv *invocation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.endLine()
	l.tailing, l.tail = inv.ended != nil, nil
	if l.json != nil {
		return
	}
	l.line(time.Now(), []byte("START RequestId: "+inv.id+" Version: "+inv.version), routine)
}

// commit writes what start has left.
func (l *logStream) commit() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.save()
}

// end writes the END and REPORT lines, for which the format JSON has events, and ends the tail.
func (l *logStream) end(r report) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.endLine()
	if l.json == nil {
		now := time.Now()
		l.line(now, []byte("END RequestId: "+r.inv.id), routine)
		l.line(now, r.line(), routine)
	}
	l.save()
	if r.inv.ended != nil {
		r.inv.tail = l.tail
		l.tailing, l.tail = false, nil
		close(r.inv.ended)
	}
}

// timeout writes the line that says so.
func (l *logStream) timeout(inv *invocation, f failure) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.print([]byte(time.Now().UTC().Format(timestamp)+" "+inv.id+" "+f.message), nil)
}

// remark writes a line of this program's own: Lambda has none that would say it.
func (l *logStream) remark(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	text = "ephor: " + text
	if l.json != nil {
		l.endLine()
		now := time.Now()
		l.line(now, remarkJSON(now, text), telling)
		l.save()
		return
	}
	l.print([]byte(text))
}

// failure writes the two lines of an invocation whose runtime has ended.
func (l *logStream) failure(inv *invocation, f failure) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.print([]byte("RequestId: "+inv.id+" Error: "+f.message), []byte(f.kind))
}

// initReport writes the line of an init phase that has failed, in the form of "Failures during
// the Init phase" in https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
func (l *logStream) initReport(f failure, started time.Time, reason StopReason, retried bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := append([]byte("INIT_REPORT Init Duration: "), appendMS(nil, time.Since(started))...)
	phase := "init"
	if retried { // the init phase is a part of the invocation then
		phase = "invoke"
	}
	b = append(append(append(b, " ms\tPhase: "...), phase...), "\tStatus: "...)
	if reason == StopTimeout {
		b = append(b, "timeout"...)
	} else {
		b = append(append(b, "error\tError Type: "...), cmp.Or(f.reported, f.kind)...)
	}
	l.print(b)
}
