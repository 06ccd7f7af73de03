package influx

import (
	"fmt"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Event is something about the store that its operator should know.
type Event struct {
	// Message is one line, complete in itself.
	Message string
	// Path is the file or directory it is about, if any.
	Path string
	// Err is what went wrong, if anything did.
	Err error
}

// newLogger returns the engine's logger: what it logs as a warning or with an error becomes an Event, and the
// rest, a line for every file it opens, is dropped. (The engine logs a continuous query that failed at level
// info, so the level alone does not tell.)
func newLogger(onEvent func(Event)) *zap.Logger {
	return zap.New(eventCore{onEvent: onEvent})
}

type eventCore struct {
	onEvent func(Event)
	fields  []zapcore.Field
}

func (c eventCore) Enabled(level zapcore.Level) bool { return level >= zapcore.InfoLevel }

func (c eventCore) With(fields []zapcore.Field) zapcore.Core {
	c.fields = append(c.fields[:len(c.fields):len(c.fields)], fields...)
	return c
}

func (c eventCore) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if !c.Enabled(entry.Level) {
		return checked
	}
	return checked.AddCore(entry, c)
}

func (c eventCore) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	message, _, _ := strings.Cut(entry.Message, "\n") // a panic's has its stack behind it
	event := Event{Message: message}
	for _, f := range append(c.fields[:len(c.fields):len(c.fields)], fields...) {
		switch {
		case f.Type == zapcore.ErrorType:
			event.Err, _ = f.Interface.(error)
		case f.Key == "path":
			event.Path = f.String
		case f.Type == zapcore.StringType && f.Key != "service" && f.Key != "engine":
			event.Message += fmt.Sprintf(" %s=%s", f.Key, f.String)
		}
	}
	if entry.Level >= zapcore.WarnLevel || event.Err != nil {
		c.onEvent(event)
	}
	return nil
}

func (c eventCore) Sync() error { return nil }
