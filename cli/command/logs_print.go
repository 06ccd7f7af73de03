package command

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"
)

// logPrinter prints events, one a line.
type logPrinter struct {
	w      io.Writer
	json   *json.Encoder // nil for a person
	named  bool          // each event with its function
	colour bool
}

func newLogPrinter(w io.Writer, asJSON, named bool) *logPrinter {
	p := &logPrinter{w: w, named: named, colour: coloured(w)}
	if asJSON {
		p.json = json.NewEncoder(w)
		p.json.SetEscapeHTML(false)
	}
	return p
}

// coloured says whether what reads w wants colours: a terminal, unless it is dumb or the user
// wants none, see https://no-color.org
func coloured(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func (p *logPrinter) print(e logEvent) error {
	var err error
	if p.json != nil {
		err = p.json.Encode(e)
	} else {
		_, err = io.WriteString(p.w, p.line(e))
	}
	if err != nil {
		return fmt.Errorf("printing logs: %w", err)
	}
	return nil
}

// The colours, as https://en.wikipedia.org/wiki/ANSI_escape_code#Colors has them.
const (
	plainColour = ""
	dim         = "\x1b[2m"
	red         = "\x1b[31m"
	yellow      = "\x1b[33m"
	cyan        = "\x1b[36m"
	reset       = "\x1b[0m"
)

// line is an event as a person reads it: the time on this machine's clock, the function if there
// are several, the last characters of the environment's stream, the message.
func (p *logPrinter) line(e logEvent) string {
	var b strings.Builder
	b.WriteString(p.in(dim, e.Time.Local().Format("15:04:05.000")))
	if e.Time.Local().Format(time.DateOnly) != time.Now().Format(time.DateOnly) {
		b.Reset()
		b.WriteString(p.in(dim, e.Time.Local().Format("2006-01-02 15:04:05.000")))
	}
	if p.named {
		b.WriteString(" " + p.in(cyan, oneLine(e.Function)))
	}
	stream := e.Stream
	if len(stream) > 6 {
		stream = stream[len(stream)-6:]
	}
	b.WriteString(" " + p.in(dim, oneLine(stream)) + " ")
	b.WriteString(p.in(shade(e.Message), oneLine(e.Message)))
	b.WriteByte('\n')
	return b.String()
}

func (p *logPrinter) in(colour, text string) string {
	if !p.colour || colour == plainColour || text == "" {
		return text
	}
	return colour + text + reset
}

// shade is the colour of a message: by its level, if it tells one, and dim for Lambda's own.
func shade(message string) string {
	level := ""
	if strings.HasPrefix(message, "{") {
		var event struct{ Level, Severity, Type string }
		if json.Unmarshal([]byte(message), &event) != nil {
			return plainColour
		}
		if strings.HasPrefix(event.Type, "platform.") {
			return dim
		}
		level = event.Level + event.Severity
	} else {
		for _, own := range []string{"START RequestId: ", "END RequestId: ", "REPORT RequestId: ", "INIT_START ", "INIT_REPORT ", "EXTENSION\t", "TELEMETRY\t"} {
			if strings.HasPrefix(message, own) {
				return dim
			}
		}
		for _, word := range []string{"ERROR", "FATAL", "panic:", "Task timed out after", " Error: "} {
			if strings.Contains(message, word) {
				return red
			}
		}
		if strings.Contains(message, "WARN") {
			return yellow
		}
	}
	switch level = strings.ToUpper(level); {
	case level == "":
		return plainColour
	case strings.HasPrefix("ERROR", level), strings.HasPrefix("CRITICAL", level), strings.HasPrefix("FATAL", level), level == "PANIC":
		return red
	case strings.HasPrefix(level, "WARN"):
		return yellow
	case level == "DEBUG", level == "TRACE":
		return dim
	}
	return plainColour
}

// oneLine is text of others as one may print it: on one line and without what would command a
// terminal.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return '↵'
		case r == '\t', unicode.IsPrint(r):
			return r
		}
		return '·'
	}, text)
}
