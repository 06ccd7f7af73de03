package lambda

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// jsonLog is what the format JSON does to a log: which lines it leaves out. See
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html and
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
type jsonLog struct{ application, system logLevel }

func newJSONLog(l Logging) *jsonLog {
	if !l.json() {
		return nil
	}
	return &jsonLog{logLevel(slices.Index(logLevels, l.ApplicationLevel)), logLevel(slices.Index(logLevels, l.SystemLevel))}
}

// keeps says that a line of the function's is logged. In the format Text, when l is nil, all are.
func (l *jsonLog) keeps(line []byte) bool { return l == nil || levelOf(line) >= l.application }

// levelOf is the level of a line: what it says under "level" if it is a JSON object with a valid time,
// and else INFO.
func levelOf(line []byte) logLevel {
	if len(line) == 0 || line[0] != '{' {
		return levelInfo
	}
	var said struct {
		Level     string
		Timestamp string
		Time      string
		At        string `json:"@timestamp"`
	}
	if json.Unmarshal(line, &said) != nil {
		return levelInfo
	}
	timed := slices.ContainsFunc([]string{said.Timestamp, said.Time, said.At}, func(text string) bool {
		_, err := time.Parse(time.RFC3339, text)
		return err == nil
	})
	level := slices.Index(logLevels, strings.ToUpper(said.Level))
	if level < 0 || !timed {
		return levelInfo
	}
	return logLevel(level)
}

// tell tells an event of the platform's to the extensions that want it and, if the format is JSON and
// the level high enough, to the log.
func (e *environment) tell(kind string, record any, level logLevel) {
	e.telemetry.platform(kind, record)
	e.log.event(kind, record, level)
}

// tells says that somebody may want to know what tell tells.
func (e *environment) tells() bool { return e.telemetry.wanted.Load() || e.log.json != nil }

// event writes one of Lambda's events, which the format JSON has in place of lines.
func (l *logStream) event(kind string, record any, level logLevel) {
	if l.json == nil || level < l.json.system {
		return
	}
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.endLine()
	l.line(now, encodeEvent(now, "platform."+kind, record), level < levelWarn)
	l.save()
}

// encodeEvent is an event as both the log and the Telemetry API have it.
func encodeEvent(at time.Time, kind string, record any) []byte {
	data, err := json.Marshal(struct {
		Time   string `json:"time"`
		Type   string `json:"type"`
		Record any    `json:"record"`
	}{at.UTC().Format(timestamp), kind, record})
	if err != nil {
		panic(err) // strings, numbers, structs of them and what was JSON before always marshal
	}
	return data
}

// remarkJSON is a line of this program's own in the format JSON.
func remarkJSON(at time.Time, text string) []byte {
	data, err := json.Marshal(struct {
		Time    string `json:"timestamp"`
		Level   string `json:"level"`
		Message string `json:"message"`
	}{at.UTC().Format(timestamp), "WARN", text})
	if err != nil {
		panic(err) // strings always marshal
	}
	return data
}
