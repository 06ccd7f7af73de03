package lambda

import (
	"cmp"
	"slices"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// Logging is how a function's environments log, see
// https://docs.aws.amazon.com/lambda/latest/api/API_LoggingConfig.html
type Logging struct {
	// Format is Text or JSON; empty is Text, and JSON with Managed Instances, which have no other.
	Format string
	// ApplicationLevel is the lowest level of what the function says that is logged: TRACE, DEBUG,
	// INFO, WARN, ERROR or FATAL. It is for the format JSON, where empty is INFO.
	ApplicationLevel string
	// SystemLevel is the same of what Lambda says: DEBUG, INFO or WARN.
	SystemLevel string
}

const formatJSON = "JSON"

// logLevels are in the order of their weight.
var logLevels = []string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"}

// logLevel is an index of logLevels.
type logLevel int

// The levels of what Lambda says, and that of a function's line that tells none.
const (
	levelDebug logLevel = 1
	levelInfo  logLevel = 2
	levelWarn  logLevel = 3
)

func (l Logging) json() bool { return l.Format == formatJSON }

// complete checks what was said and fills in the defaults. The format Text is an empty one: so older
// versions of this program have written it.
func (l *Logging) complete(managed bool) error {
	bad := func(format string, args ...any) error {
		return awsproto.Errorf("InvalidParameterValueException", "LoggingConfig: "+format, args...)
	}
	if managed {
		if l.Format == "Text" {
			return bad("functions on Managed Instances log as JSON: LogFormat JSON")
		}
		l.Format = formatJSON
	}
	switch l.Format {
	case "", "Text":
		l.Format = ""
		if l.ApplicationLevel+l.SystemLevel != "" {
			return bad("ApplicationLogLevel and SystemLogLevel are for LogFormat JSON")
		}
		return nil
	case formatJSON:
	default:
		return bad("LogFormat %q: Text or JSON", l.Format)
	}
	l.ApplicationLevel, l.SystemLevel = cmp.Or(l.ApplicationLevel, "INFO"), cmp.Or(l.SystemLevel, "INFO")
	if !slices.Contains(logLevels, l.ApplicationLevel) {
		return bad("ApplicationLogLevel %q: TRACE, DEBUG, INFO, WARN, ERROR or FATAL", l.ApplicationLevel)
	}
	if !slices.Contains(logLevels[levelDebug:levelWarn+1], l.SystemLevel) {
		return bad("SystemLogLevel %q: DEBUG, INFO or WARN", l.SystemLevel)
	}
	return nil
}

// loggingRequest is LoggingConfig as it comes over the wire.
type loggingRequest struct{ LogFormat, ApplicationLogLevel, SystemLogLevel, LogGroup string }

// apply changes what is said. Who goes back to text gives the levels up.
func (q loggingRequest) apply(cfg *Function) {
	if q.LogGroup != "" {
		cfg.logTo(q.LogGroup)
	}
	if q.LogFormat == "Text" {
		cfg.Logging = Logging{}
	}
	l := &cfg.Logging
	l.Format = cmp.Or(q.LogFormat, l.Format)
	l.ApplicationLevel = cmp.Or(q.ApplicationLogLevel, l.ApplicationLevel)
	l.SystemLevel = cmp.Or(q.SystemLogLevel, l.SystemLevel)
}

// loggingAnswer is LoggingConfig as it goes over the wire.
type loggingAnswer struct {
	LogFormat           string
	ApplicationLogLevel string `json:",omitempty"`
	SystemLogLevel      string `json:",omitempty"`
	LogGroup            string
}

func describeLogging(f Function) loggingAnswer {
	return loggingAnswer{cmp.Or(f.Logging.Format, "Text"), f.Logging.ApplicationLevel, f.Logging.SystemLevel, f.LogsTo()}
}
