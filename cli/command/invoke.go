package command

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/spf13/cobra"
)

// invokeFlags are the flags of invoke.
type invokeFlags struct {
	target         target
	payload, event string
	list           bool
	tail, async    bool
}

func (p *program) invokeCommand() *cobra.Command {
	var f invokeFlags
	c := &cobra.Command{
		Use:   "invoke [FUNCTION]",
		Short: "Call a function and print what it answers",
		Long: `invoke calls a function with a payload and prints its answer on standard output, all else on
standard error. The status is 1 if the function fails. The function may be left out where the
application has only one.`,
		Example: `  invoke --payload '{"name": "Ephor"}'
  invoke HelloWorld --payload @event.json --tail
  echo '{}' | invoke HelloWorld --payload -
  invoke HelloWorld --event apigateway-v2`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error { return p.invoke(c, args, f) },
	}
	flags := c.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.payload, "payload", "", "`JSON`, @ and a file that holds it, or - for standard input (default {})")
	flags.StringVar(&f.event, "event", "", "send the sample event of this `name`, see --list-events")
	flags.BoolVar(&f.list, "list-events", false, "print the names of the sample events, or with --event that event")
	flags.BoolVar(&f.tail, "tail", false, "print the last 4 KB of the log, too")
	flags.BoolVar(&f.async, "async", false, "only queue the event: there is no answer to wait for")
	f.target.flag(c)
	return c
}

func (p *program) invoke(c *cobra.Command, args []string, f invokeFlags) error {
	if f.list {
		if err := p.listEvents(f.event); err != nil {
			return usage(c, err)
		}
		return nil
	}
	fn, err := p.oneFunction(c.Name(), args)
	if err != nil {
		return usage(c, err)
	}
	if f.tail && f.async {
		return usage(c, errors.New("--tail and --async exclude each other: there is no log to wait for"))
	}
	if err := f.target.check(c); err != nil {
		return err
	}
	payload, err := p.payload(c, f)
	if err != nil {
		return usage(c, err)
	}
	ctx := c.Context()
	config, err := p.config(ctx, f.target)
	if err != nil {
		return err
	}
	return p.call(ctx, config, f, fn, payload)
}

// oneFunction is the function that the arguments of a command name, or the only one.
func (p *program) oneFunction(command string, args []string) (deployed, error) {
	all := p.functions()
	switch {
	case len(args) > 1:
		return deployed{}, fmt.Errorf("%s takes one function, and got %s", command, strings.Join(args, " "))
	case len(args) == 1:
		return p.functionNamed(args[0]), nil
	case len(all) == 1:
		return all[0], nil
	case len(all) == 0:
		return deployed{}, fmt.Errorf("%s has no function", p.app.Name())
	}
	names := make([]string, len(all))
	for i, f := range all {
		names[i] = f.short
	}
	return deployed{}, fmt.Errorf("%s has several functions; name one of %s", p.app.Name(), strings.Join(names, ", "))
}

// payload is what the flags say that the function gets: JSON.
func (p *program) payload(c *cobra.Command, f invokeFlags) ([]byte, error) {
	given := c.Flags().Changed("payload")
	if given && f.event != "" {
		return nil, errors.New("--payload and --event exclude each other")
	}
	if f.event != "" {
		return sampleEvent(f.event)
	}
	if !given {
		return []byte("{}"), nil
	}
	what, data := "--payload", []byte(f.payload)
	var err error
	switch path, isFile := strings.CutPrefix(f.payload, "@"); {
	case f.payload == "-":
		what = "standard input"
		data, err = io.ReadAll(p.stdin)
	case isFile:
		what = path
		data, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the payload: %w", err)
	}
	err = checkJSON(what, data)
	if info, noFile := os.Stat(f.payload); err != nil && noFile == nil && info.Mode().IsRegular() {
		err = fmt.Errorf("%w; the file of that name is --payload @%s", err, f.payload)
	}
	return data, err
}

// checkJSON says where data is no JSON.
func checkJSON(what string, data []byte) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return fmt.Errorf("%s is empty; an event is JSON, if only {}", what)
	}
	var v json.RawMessage
	err := json.Unmarshal(data, &v)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("%s is not JSON: %w, at byte %d of %d", what, err, syntax.Offset, len(data))
	}
	return err
}

// call invokes a function once: a call that is tried again would run it again.
func (p *program) call(ctx context.Context, config aws.Config, f invokeFlags, fn deployed, payload []byte) error {
	client := lambda.NewFromConfig(config, func(o *lambda.Options) { o.RetryMaxAttempts = 1 })
	in := &lambda.InvokeInput{FunctionName: &fn.name, Payload: payload}
	if f.async {
		in.InvocationType = types.InvocationTypeEvent
	}
	if f.tail {
		in.LogType = types.LogTypeTail
	}
	start := time.Now()
	out, err := client.Invoke(ctx, in)
	var gone *types.ResourceNotFoundException
	switch {
	case errors.As(err, &gone):
		if err := p.noFunction(ctx, config, f.target, fn); err != nil {
			return err
		}
		return errors.New(message(err))
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted; %s may go on running", fn.short)
	case err != nil:
		return p.reached(f.target, fmt.Errorf("invoking %s: %w", fn.short, err))
	}
	if f.tail {
		log, err := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult))
		if err != nil {
			return fmt.Errorf("reading the log of %s: %w", fn.short, err)
		}
		if _, err := p.stderr.Write(log); err != nil {
			return fmt.Errorf("printing the log of %s: %w", fn.short, err)
		}
	}
	if f.async {
		fmt.Fprintf(p.stderr, "%s: queued\n", fn.short)
		return nil
	}
	if err := p.printPayload(out.Payload); err != nil {
		return err
	}
	if out.FunctionError != nil {
		return hinted(fmt.Errorf("%s failed: %s", fn.short, functionError(out.Payload)), "logs "+fn.short)
	}
	fmt.Fprintf(p.stderr, "%s, version %s: answered in %s\n", fn.short, aws.ToString(out.ExecutedVersion), short(time.Since(start)))
	return nil
}

// printPayload prints an answer as it is, on a line of its own.
func (p *program) printPayload(payload []byte) error {
	if len(payload) == 0 {
		return nil
	}
	if payload[len(payload)-1] != '\n' {
		payload = append(payload, '\n')
	}
	if _, err := p.stdout.Write(payload); err != nil {
		return fmt.Errorf("printing the answer: %w", err)
	}
	return nil
}

// functionError is what an error's payload says in one line.
func functionError(payload []byte) string {
	var e struct{ ErrorType, ErrorMessage string }
	if json.Unmarshal(payload, &e) != nil || e.ErrorType+e.ErrorMessage == "" {
		return "the answer says why"
	}
	return oneLine(strings.Trim(e.ErrorType+": "+e.ErrorMessage, ": "))
}
