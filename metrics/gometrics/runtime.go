package gometrics

import (
	"strings"
	"time"

	gm "github.com/rcrowley/go-metrics"
)

// captureEvery is the shortest time between two captures of the runtime's statistics, for which
// everything else stands still.
const captureEvery = 10 * time.Second

// A capture is one group of statistics that go-metrics registers. Somebody must ask for each
// reading; a program on Lambda cannot do it by a ticker, which is frozen most of the time.
type capture struct {
	marker string // the timer of its readings, which is registered last
	read   func(gm.Registry)
	timer  gm.Timer
	ours   int64
	others bool // the program reads them itself
}

// captureRuntime reads those statistics that are registered and that the program does not read.
func (a *adapter) captureRuntime() {
	if !a.captured.IsZero() && time.Since(a.captured) < captureEvery {
		return
	}
	a.captured = time.Now()
	if a.capture == nil {
		a.capture = []capture{
			{marker: "runtime.ReadMemStats", read: gm.CaptureRuntimeMemStatsOnce},
			{marker: "debug.ReadGCStats", read: gm.CaptureDebugGCStatsOnce},
		}
	}
	for i := range a.capture {
		a.capture[i].once(a.cfg.Registry)
	}
}

func (c *capture) once(r gm.Registry) {
	if c.timer == nil {
		r.Each(func(name string, metric any) {
			// A prefixed registry's names have the prefix here.
			if t, ok := metric.(gm.Timer); ok && strings.HasSuffix(name, c.marker) {
				c.timer = t
			}
		})
	}
	if c.timer == nil || c.others {
		return
	}
	if c.timer.Count() != c.ours {
		c.others = true
		return
	}
	c.read(r)
	c.ours++
}
