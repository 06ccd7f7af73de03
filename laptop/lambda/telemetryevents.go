package lambda

import (
	"math"
	"strings"
	"time"
)

// The records of the events of the platform's, in the form of
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html. A field that is not
// required is left out where this machine has nothing to say: the version of the runtime, the span of a trace.
type (
	subscriptionRecord struct {
		Name  string   `json:"name"`
		State string   `json:"state"`
		Types []string `json:"types"`
	}
	extensionRecord struct {
		Name      string   `json:"name"`
		State     string   `json:"state"`
		Events    []string `json:"events"`
		ErrorType string   `json:"errorType,omitempty"`
	}
	initStartRecord struct {
		Type      string `json:"initializationType"`
		Phase     string `json:"phase"`
		Function  string `json:"functionName"`
		Version   string `json:"functionVersion"`
		Instance  string `json:"instanceId"`        // the log stream's name
		MaxMemory int    `json:"instanceMaxMemory"` // bytes
	}
	initDoneRecord struct {
		Type      string           `json:"initializationType"`
		Phase     string           `json:"phase"`
		Status    string           `json:"status"`
		ErrorType string           `json:"errorType,omitempty"`
		Metrics   *durationMetrics `json:"metrics,omitempty"`
	}
	durationMetrics struct {
		Duration float64 `json:"durationMs"`
		Produced *int64  `json:"producedBytes,omitempty"`
	}
	startRecord struct {
		RequestID string        `json:"requestId"`
		Version   string        `json:"version"`
		Tenant    string        `json:"tenantId,omitempty"`
		Tracing   tracingRecord `json:"tracing"`
	}
	tracingRecord struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	}
	runtimeDoneRecord struct {
		RequestID string          `json:"requestId"`
		Tenant    string          `json:"tenantId,omitempty"`
		Status    string          `json:"status"`
		ErrorType string          `json:"errorType,omitempty"`
		Metrics   durationMetrics `json:"metrics"`
		Spans     []spanRecord    `json:"spans,omitempty"`
		Tracing   tracingRecord   `json:"tracing"`
	}
	spanRecord struct {
		Name     string  `json:"name"`
		Start    string  `json:"start"`
		Duration float64 `json:"durationMs"`
	}
	reportRecord struct {
		RequestID string        `json:"requestId"`
		Tenant    string        `json:"tenantId,omitempty"`
		Status    string        `json:"status"`
		ErrorType string        `json:"errorType,omitempty"`
		Metrics   reportMetrics `json:"metrics"`
		Spans     []spanRecord  `json:"spans,omitempty"`
		Tracing   tracingRecord `json:"tracing"`
	}
	// loggedReport is a report as the log has it: like the REPORT line it says how the memory is held
	// to its size on this machine, last, where Lambda says nothing.
	loggedReport struct {
		reportRecord
		MemoryLimit string `json:"memoryLimit"`
	}
	reportMetrics struct {
		Duration   float64 `json:"durationMs"`
		Billed     int64   `json:"billedDurationMs"`
		MemorySize int     `json:"memorySizeMB"`
		MaxMemory  int     `json:"maxMemoryUsedMB"`
		Init       float64 `json:"initDurationMs,omitempty"`
	}
)

// rounded is a duration in milliseconds as the log has it.
func rounded(d time.Duration) float64 { return math.Round(ms(d)*100) / 100 }

func span(name string, start, end time.Time) spanRecord {
	return spanRecord{name, start.UTC().Format(timestamp), rounded(end.Sub(start))}
}

// now is the time, or when the function's timeout was up if that is over: what is told of an invocation
// ends with it, whenever the end was noticed.
func (inv *invocation) now() time.Time {
	if now := time.Now(); now.Before(inv.deadline) {
		return now
	}
	return inv.deadline
}

func (inv *invocation) tracing() tracingRecord { return tracingRecord{"X-Amzn-Trace-Id", inv.trace} }

// outcome is the status of a record, and its error type, of what the REPORT line says.
func outcome(status, kind string) (string, string) {
	switch {
	case status == "":
		return "success", ""
	case status == "timeout":
		return status, ""
	case strings.HasPrefix(kind, "Sandbox."):
		return "failure", kind
	}
	return "error", kind
}

// levelFor is the level of an event whose level is usual where all went as it should. The levels are those of
// "System log level event mapping" in
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
func levelFor(status string, usual logLevel) logLevel {
	if status != "success" {
		return levelWarn
	}
	return usual
}

// initPhase is when the environment is made: one whose init has failed is made again in the invocation.
func (e *environment) initPhase() string {
	if e.retried {
		return "invoke"
	}
	return "init"
}

// tellInitStart tells that the init phase begins.
func (e *environment) tellInitStart() {
	e.tell("initStart", initStartRecord{Type: e.initType, Phase: e.initPhase(), Function: e.function.name,
		Version: e.rev.cfg.Version, Instance: e.stream, MaxMemory: e.rev.cfg.MemorySize << 20}, levelDebug)
}

// tellInitRuntimeDone tells that the runtime has asked for its first event, or will never do so.
func (e *environment) tellInitRuntimeDone(status, kind string) {
	status, kind = outcome(status, kind)
	e.tell("initRuntimeDone", initDoneRecord{Type: e.initType, Phase: e.initPhase(), Status: status, ErrorType: kind}, levelFor(status, levelDebug))
}

// tellInitReport tells that the init phase is over, and ends the time for subscriptions. The
// caller holds e.mu.
func (e *environment) tellInitReport(status, kind string) {
	e.tellExtensions()
	status, kind = outcome(status, kind)
	usual := levelInfo
	if e.initType == onDemand {
		usual = levelDebug
	}
	e.tell("initReport", initDoneRecord{Type: e.initType, Phase: e.initPhase(), Status: status, ErrorType: kind,
		Metrics: &durationMetrics{Duration: rounded(time.Since(e.started))}}, levelFor(status, usual))
	e.telemetry.closeSubscriptions()
}

// tellStart tells that an invocation begins.
func (e *environment) tellStart(inv *invocation) {
	if e.tells() {
		e.tell("start", startRecord{inv.id, inv.version, inv.tenant, inv.tracing()}, levelInfo)
	}
}

// tellRuntimeDone tells that the runtime was done with an invocation at the time end, once. The caller holds e.mu.
func (e *environment) tellRuntimeDone(inv *invocation, end time.Time, status, kind string) {
	if !inv.runtimeDone.IsZero() || !e.tells() {
		return
	}
	if e.process != nil {
		e.process.output.drain() // what the function said comes first
	}
	inv.runtimeDone = end
	status, kind = outcome(status, kind)
	r := runtimeDoneRecord{RequestID: inv.id, Tenant: inv.tenant, Status: status, ErrorType: kind, Tracing: inv.tracing(),
		Metrics: durationMetrics{Duration: rounded(end.Sub(inv.start))}}
	if !inv.answerBegan.IsZero() {
		r.Spans = append(r.Spans, span("responseLatency", inv.start, inv.answerBegan))
		if !inv.answerEnded.IsZero() {
			r.Spans = append(r.Spans, span("responseDuration", inv.answerBegan, inv.answerEnded), span("runtimeOverhead", inv.answerEnded, end))
			r.Metrics.Produced = &inv.produced
		}
	}
	e.tell("runtimeDone", r, levelFor(status, levelDebug))
}

// tellReport tells that an invocation is over. The caller holds e.mu.
func (e *environment) tellReport(r report) {
	if !e.tells() {
		return
	}
	inv := r.inv
	end := inv.start.Add(r.duration)
	e.tellRuntimeDone(inv, end, r.status, r.kind)
	status, kind := outcome(r.status, r.kind)
	record := reportRecord{RequestID: inv.id, Tenant: inv.tenant, Status: status, ErrorType: kind, Tracing: inv.tracing(), Metrics: reportMetrics{
		Duration: rounded(r.duration), Billed: int64(math.Ceil(ms(r.duration + r.init))), MemorySize: r.memorySize,
		MaxMemory: (r.memory + 1<<20 - 1) >> 20, Init: rounded(r.init),
	}}
	if len(e.extensions) > 0 {
		record.Spans = []spanRecord{span("extensionOverhead", inv.runtimeDone, end)}
	}
	e.telemetry.platform("report", record)
	e.log.event("report", loggedReport{record, r.held}, levelFor(status, levelInfo))
}
