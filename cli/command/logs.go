package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/spf13/cobra"
)

// logsFlags are the flags of logs.
type logsFlags struct {
	target       target
	follow, json bool
	filter       string
	since        string
}

func (p *program) logsCommand() *cobra.Command {
	var f logsFlags
	c := &cobra.Command{
		Use:   "logs [FUNCTION]",
		Short: "Show what the functions wrote, from all their environments",
		Long: `logs shows the log of a function, or those of all functions of the application, one event a line, in
the order of time: what the function wrote, and Lambda's START, END and REPORT lines. With -f it waits
for more until Ctrl-C. It asks CloudWatch Logs, on this machine as on AWS.

A filter pattern is CloudWatch Logs': terms, "phrases", ?optional and -excluded ones, %regular
expressions% and { $.level = "ERROR" } for events that are JSON.`,
		Example: `  logs -f
  logs HelloWorld --since 1h --filter '?ERROR ?"timed out"'
  logs -f --filter '{ $.level = "ERROR" && $.latency > 500 }' --json`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error { return p.logs(c, args, f) },
	}
	flags := c.Flags()
	flags.SortFlags = false
	flags.BoolVarP(&f.follow, "follow", "f", false, "wait for more, until Ctrl-C")
	flags.StringVar(&f.filter, "filter", "", "show what matches a `pattern`")
	flags.StringVar(&f.since, "since", "10m", "begin this `duration` ago, as in 30s, 10m, 2h or 7d")
	flags.BoolVar(&f.json, "json", false, "print each event as JSON: time, function, stream, id, message")
	f.target.flag(c)
	return c
}

func (p *program) logs(c *cobra.Command, args []string, f logsFlags) error {
	if len(args) > 1 {
		return usage(c, fmt.Errorf("logs takes one function, and got %s", strings.Join(args, " ")))
	}
	since, err := parseSince(f.since)
	if err != nil {
		return usage(c, fmt.Errorf("--since: %w", err))
	}
	if err := f.target.check(c); err != nil {
		return err
	}
	which := p.functions()
	if len(args) == 1 {
		which = []deployed{p.functionNamed(args[0])}
	}
	if len(which) == 0 {
		return usage(c, fmt.Errorf("%s has no function", p.app.Name()))
	}
	ctx := c.Context()
	config, err := p.config(ctx, f.target)
	if err != nil {
		return err
	}
	r := &logReader{program: p, config: config, target: f.target, client: cloudwatchlogs.NewFromConfig(config), filter: f.filter,
		show: newLogPrinter(p.stdout, f.json, len(which) > 1).print}
	for _, fn := range which {
		name, err := p.logGroupOf(ctx, config, fn)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return p.reached(f.target, err)
		}
		r.groups = append(r.groups, &logGroup{function: fn, name: name, since: time.Now().Add(-since).UnixMilli(), seen: map[string]int64{}})
	}
	err = r.run(ctx, f.follow)
	switch {
	case ctx.Err() != nil: // Ctrl-C is how it ends
		return nil
	case isCode(err, "InvalidParameterException") && f.filter != "":
		return usage(c, fmt.Errorf("--filter: %s", message(err)))
	}
	if err == nil && r.shown == 0 {
		fmt.Fprintf(p.stderr, "there is no such event within %s; --since looks further back\n", f.since)
	}
	return err
}

// logGroupOf is where a function's log is: where its configuration says or, for one that is not
// there any more, where Lambda puts it.
func (p *program) logGroupOf(ctx context.Context, config aws.Config, f deployed) (string, error) {
	out, err := lambda.NewFromConfig(config).GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &f.name})
	switch {
	case isCode(err, "AccessDeniedException"): // whoever may read logs need not read configurations
		fmt.Fprintf(p.stderr, "where %s logs to may not be asked for: looking in /aws/lambda/%s\n", f.short, f.name)
	case isCode(err, "ResourceNotFoundException"):
	case err != nil:
		return "", err
	case out.LoggingConfig != nil && out.LoggingConfig.LogGroup != nil:
		return *out.LoggingConfig.LogGroup, nil
	}
	return "/aws/lambda/" + f.name, nil
}

// parseSince reads a duration as Go writes it, or in whole days or weeks.
func parseSince(text string) (time.Duration, error) {
	for unit, hours := range map[string]int{"d": 24, "w": 7 * 24} {
		if digits, ok := strings.CutSuffix(text, unit); ok {
			if n, err := strconv.Atoi(digits); err == nil && n >= 0 && n < 100_000 {
				return time.Duration(n*hours) * time.Hour, nil
			}
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no duration: it is one as in 30s, 10m, 2h or 7d", text)
	}
	return d, nil
}

// logGroup is one function's log, as far as it has been shown.
type logGroup struct {
	function deployed
	name     string
	since    int64            // ms: where the next look begins
	newest   int64            // ms: of what was seen
	seen     map[string]int64 // the events shown that are not older than since: their times by their IDs
}

// logReader reads the logs of functions through CloudWatch Logs' API.
type logReader struct {
	program *program
	config  aws.Config
	target  target
	client  *cloudwatchlogs.Client
	groups  []*logGroup
	filter  string
	show    func(logEvent) error
	shown   int
}

// logEvent is an event to show.
type logEvent struct {
	Time     time.Time `json:"time"`
	Function string    `json:"function"`
	Stream   string    `json:"stream"`
	ID       string    `json:"id"`
	Message  string    `json:"message"`
}

// overlap is how far before the newest event a follower looks back, for events that arrive after
// younger ones of another environment. Here a line can be read as soon as it is written.
func (t target) overlap() time.Duration {
	if t.name == targetAWS {
		return 10 * time.Second
	}
	return time.Second
}

// every is how often a follower looks. On AWS each look counts against the account's quota.
func (t target) every() time.Duration {
	if t.name == targetAWS {
		return 2 * time.Second
	}
	return 250 * time.Millisecond
}

// run shows what there is and, if it shall follow, what comes until ctx ends.
func (r *logReader) run(ctx context.Context, follow bool) error {
	tick := time.NewTicker(r.target.every())
	defer tick.Stop()
	for {
		if err := r.look(ctx); err != nil {
			return err
		}
		if !follow {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// look shows once what is new: page by page, or in the order of time where several logs are to be
// put together.
func (r *logReader) look(ctx context.Context) error {
	if len(r.groups) == 1 {
		return r.read(ctx, r.groups[0], r.print)
	}
	var events []logEvent
	for _, g := range r.groups {
		if err := r.read(ctx, g, func(e logEvent) error {
			events = append(events, e)
			return nil
		}); err != nil {
			return err
		}
	}
	slices.SortStableFunc(events, func(a, b logEvent) int { return a.Time.Compare(b.Time) })
	for _, e := range events {
		if err := r.print(e); err != nil {
			return err
		}
	}
	return nil
}

func (r *logReader) print(e logEvent) error {
	r.shown++
	return r.show(e)
}

// read hands on what is new in a group.
func (r *logReader) read(ctx context.Context, g *logGroup, take func(logEvent) error) error {
	in := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &g.name, StartTime: aws.Int64(g.since)}
	if r.filter != "" {
		in.FilterPattern = &r.filter
	}
	for pages := cloudwatchlogs.NewFilterLogEventsPaginator(r.client, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		var gone *types.ResourceNotFoundException
		switch {
		case errors.As(err, &gone):
			// A function has no log group before it has been invoked.
			return r.program.noFunction(ctx, r.config, r.target, g.function)
		case err != nil:
			return r.program.reached(r.target, err)
		}
		for _, e := range page.Events {
			if !g.isNew(aws.ToString(e.EventId), aws.ToInt64(e.Timestamp)) || !g.function.wrote(aws.ToString(e.LogStreamName)) {
				continue
			}
			if err := take(logEvent{Time: time.UnixMilli(aws.ToInt64(e.Timestamp)).UTC(), Function: g.function.short, Stream: aws.ToString(e.LogStreamName),
				ID: aws.ToString(e.EventId), Message: strings.TrimRight(aws.ToString(e.Message), "\r\n")}); err != nil {
				return err
			}
		}
		g.forget(r.target.overlap())
	}
	return nil
}

// wrote says that a stream may be the function's. Where functions share a log group, the streams
// are named YYYY/MM/DD/FUNCTION[VERSION][ID]; elsewhere there is no name before the version.
//
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html
func (f deployed) wrote(stream string) bool {
	parts := strings.SplitN(stream, "/", 4)
	if len(parts) < 4 {
		return true
	}
	name, _, ok := strings.Cut(parts[3], "[")
	return !ok || name == "" || name == f.name
}

// isNew notes an event, and says whether it has not been seen before.
func (g *logGroup) isNew(id string, at int64) bool {
	if _, seen := g.seen[id]; seen {
		return false
	}
	g.seen[id] = at
	g.newest = max(g.newest, at)
	return true
}

// forget lets the next look begin somewhat before the newest event, and forgets those before.
func (g *logGroup) forget(overlap time.Duration) {
	g.since = max(g.since, g.newest-overlap.Milliseconds())
	for id, at := range g.seen {
		if at < g.since {
			delete(g.seen, id)
		}
	}
}
