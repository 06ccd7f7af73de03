package lambda

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-cmp/cmp"
)

// logged is a line of a log in the format JSON.
type logged struct {
	Type   string
	Level  string
	Record struct {
		RequestID, Status, ErrorType, Phase, MemoryLimit string
		Metrics                                          struct {
			DurationMS, InitDurationMS float64
			BilledDurationMS           int
			MemorySizeMB               int
		}
	}
}

// events are the lines of text, all of which must be JSON; those of the function's have no type.
func events(t *testing.T, text string) (all []logged) {
	t.Helper()
	for line := range strings.Lines(text) {
		var e logged
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		all = append(all, e)
	}
	return all
}

// kinds are their types with their statuses, or their levels where they have none.
func kinds(all []logged) (names []string) {
	for _, e := range all {
		names = append(names, strings.TrimSpace(strings.TrimPrefix(e.Type, "platform.")+" "+e.Record.Status+e.Level))
	}
	return names
}

const levels = `{"level":"trace","timestamp":"2026-11-02T16:51:31Z"}
{"level":"DEBUG","time":"2026-11-02T16:51:31.587199Z"}
{"level":"INFO","timestamp":"2026-11-02T16:51:31Z"}
{"level":"Warn","timestamp":"2026-11-02T16:51:31+01:00"}
{"level":"ERROR","timestamp":"2026-11-02T16:51:31Z"}
{"level":"fatal","@timestamp":"2026-11-02T16:51:31Z"}
`

func TestJSONLog(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		logging Logging
		want    []string
	}{
		"as it is": {Logging{}, []string{"start", "INFO", "Warn", "ERROR", "fatal", "report success"}},
		"more": {Logging{ApplicationLevel: "TRACE", SystemLevel: "DEBUG"},
			[]string{"start", "trace", "DEBUG", "INFO", "Warn", "ERROR", "fatal", "runtimeDone success", "report success"}},
		"less": {Logging{ApplicationLevel: "FATAL", SystemLevel: "WARN"}, []string{"fatal"}},
	} {
		r := &recorder{}
		s := open(t, Config{Events: r.add})
		c.logging.Format = "JSON"
		create(t, s, hello(t, func(in *FunctionInput) { in.Logging = c.logging }))
		event, err := json.Marshal(map[string]string{"do": "print", "text": levels})
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", Payload: event, LogTail: true})
		if err != nil || out.FunctionError != "" {
			t.Fatalf("%v %s", err, out.Payload)
		}
		all := events(t, string(out.LogTail))
		if diff := cmp.Diff(c.want, kinds(all)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
		last := all[len(all)-1]
		if m := last.Record.Metrics; last.Type == "platform.report" && (last.Record.RequestID != out.RequestID || last.Record.MemoryLimit != heldHere(s) ||
			m.MemorySizeMB != 128 || m.InitDurationMS <= 0 || m.BilledDurationMS <= 0) {
			t.Errorf("%s: %+v", name, last)
		}
		// The init phase is told on the level DEBUG.
		first := kinds(events(t, join(r.lines())))
		if wants := c.logging.SystemLevel == "DEBUG"; cmp.Equal(first[:min(3, len(first))], []string{"initStart", "initRuntimeDone success", "initReport success"}) != wants {
			t.Errorf("%s: the log begins with %q", name, first)
		}
		// What has no level, or no time, is on the level INFO.
		settled(t, s, "hello")
		out, err = s.Invoke(t.Context(), InvokeInput{Function: "hello", Payload: []byte(`{"do":"print","text":"plain\n{\"level\":\"FATAL\"}\n{broken\n"}`), LogTail: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{"plain\n", `{"level":"FATAL"}` + "\n", "{broken\n"} {
			if strings.Contains(string(out.LogTail), line) == (c.logging.ApplicationLevel == "FATAL") {
				t.Errorf("%s: %q in %s", name, line, out.LogTail)
			}
		}
	}
}

// TestJSONLogOfFailures: each failure has its report on the level WARN, its type and no line of text.
func TestJSONLogOfFailures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		event, status, kind string
		edit                func(*FunctionInput)
		want                []string
	}{
		"error": {event: `{"do":"error","text":"no"}`, status: "success", want: []string{}},
		"exit":  {event: `{"do":"exit","status":3}`, status: "error", kind: "Runtime.ExitError", want: []string{"runtimeDone error", "report error"}},
		"memory": {event: `{"do":"allocate","bytes":300000000,"status":15000}`, status: "error", kind: "Runtime.OutOfMemory",
			want: []string{"runtimeDone error", "report error"}},
		"memory on Managed Instances": {event: `{"do":"allocate","bytes":300000000,"status":15000}`, status: "error", kind: "Runtime.OutOfMemory",
			want: []string{"runtimeDone error", "report error"}, edit: onManagedInstances(2)},
		"timeout": {event: `{"ms":60000}`, status: "timeout", want: []string{"runtimeDone timeout", "report timeout"},
			edit: func(in *FunctionInput) { in.Timeout = 1e9 }},
		"init": {event: `{}`, status: "error", kind: "Runtime.ExitError", edit: func(in *FunctionInput) { in.Environment = map[string]string{"INIT": "exit"} },
			want: []string{"runtimeDone error", "report error"}},
	} {
		r := &recorder{}
		s := open(t, Config{Events: r.add})
		create(t, s, hello(t, func(in *FunctionInput) {
			in.Logging = Logging{Format: "JSON", SystemLevel: "WARN", ApplicationLevel: "FATAL"}
			if c.edit != nil {
				c.edit(in)
			}
		}))
		if _, err := s.edit("hello", func(_ *family, rec *record) error {
			rec.MemorySize = 128 // Managed Instances have 2 GB at least, which is too much to fill here
			rec.keepPublished()
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello", Payload: []byte(c.event), LogTail: true})
		if err != nil || out.FunctionError == "" {
			t.Fatalf("%s: %v %s", name, err, out.Payload)
		}
		if name == "init" { // the caller has no tail of what never was: the log has it
			eventually(t, "the report", func() bool { return strings.Contains(join(r.lines()), `"platform.report"`) })
			all := events(t, join(r.lines()))
			var phases []string
			for _, e := range all {
				if e.Type == "platform.initReport" {
					phases = append(phases, e.Record.Phase+" "+e.Record.Status)
				}
			}
			if diff := cmp.Diff([]string{"init error", "invoke error"}, phases); diff != "" {
				t.Errorf("init reports: -want +got:\n%s", diff)
			}
			out.LogTail = []byte(strings.Join(r.lines()[len(r.lines())-2:], "\n"))
		}
		all := events(t, string(out.LogTail))
		if diff := cmp.Diff(c.want, append([]string{}, kinds(all)...)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
		if len(all) > 0 && all[len(all)-1].Record.ErrorType != c.kind {
			t.Errorf("%s: %+v", name, all[len(all)-1])
		}
		for _, l := range eventsOf[LogLine](r) {
			if l.Routine {
				t.Errorf("%s: routine: %s", name, l.Line)
			}
		}
	}
}

func TestLoggingConfig(t *testing.T) {
	t.Parallel()
	c, _ := client(t, open(t, Config{}))
	name := aws.String("f")
	in := &sdk.CreateFunctionInput{FunctionName: name, Handler: aws.String("h"), Role: aws.String("arn:aws:iam::000000000000:role/r"),
		Runtime: types.RuntimeProvidedal2023, Code: &types.FunctionCode{ZipFile: script(t, "exit 1")},
		LoggingConfig: &types.LoggingConfig{LogFormat: types.LogFormatJson, ApplicationLogLevel: types.ApplicationLogLevelDebug}}
	made, err := c.CreateFunction(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	is := func(what string, got *types.LoggingConfig, format types.LogFormat, application types.ApplicationLogLevel, system types.SystemLogLevel) {
		t.Helper()
		if got == nil || got.LogFormat != format || got.ApplicationLogLevel != application || got.SystemLogLevel != system || *got.LogGroup != "/aws/lambda/f" {
			t.Errorf("%s: %+v", what, got)
		}
	}
	is("made", made.LoggingConfig, "JSON", "DEBUG", "INFO")
	change := func(l types.LoggingConfig) (*types.LoggingConfig, error) {
		out, err := c.UpdateFunctionConfiguration(t.Context(), &sdk.UpdateFunctionConfigurationInput{FunctionName: name, LoggingConfig: &l})
		if err != nil {
			return nil, err
		}
		return out.LoggingConfig, nil
	}
	got, err := change(types.LoggingConfig{SystemLogLevel: "WARN"})
	if err != nil {
		t.Fatal(err)
	}
	is("one level", got, "JSON", "DEBUG", "WARN")
	read, err := c.GetFunctionConfiguration(t.Context(), &sdk.GetFunctionConfigurationInput{FunctionName: name})
	if err != nil {
		t.Fatal(err)
	}
	is("read", read.LoggingConfig, "JSON", "DEBUG", "WARN")
	if got, err = change(types.LoggingConfig{LogFormat: "Text"}); err != nil {
		t.Fatal(err)
	}
	is("back to text", got, "Text", "", "")
	for want, l := range map[string]types.LoggingConfig{
		"are for LogFormat JSON": {ApplicationLogLevel: "INFO"},
		`LogFormat "XML"`:        {LogFormat: "XML"},
		`Level "LOUD"`:           {LogFormat: "JSON", ApplicationLogLevel: "LOUD"},
		`Level "ERROR"`:          {LogFormat: "JSON", SystemLogLevel: "ERROR"},
	} {
		if _, err := change(l); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	_, err = c.UpdateFunctionConfiguration(t.Context(), &sdk.UpdateFunctionConfigurationInput{FunctionName: name, LoggingConfig: &types.LoggingConfig{LogFormat: "Text"},
		CapacityProviderConfig: &types.CapacityProviderConfig{LambdaManagedInstancesCapacityProviderConfig: &types.LambdaManagedInstancesCapacityProviderConfig{
			CapacityProviderArn: aws.String("arn:aws:lambda:us-east-1:000000000000:capacity-provider:p"), PerExecutionEnvironmentMaxConcurrency: aws.Int32(2)}}})
	if err == nil || !strings.Contains(err.Error(), "on Managed Instances log as JSON") {
		t.Errorf("Managed Instances with text: %v", err)
	}
}
