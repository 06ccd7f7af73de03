package command

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/ephor-io/ephor/loss"
)

// served counts the invocations that ended in a period, by environment, from the logs of the
// application's functions. It counts what the logs still hold.
func (p *program) served(ctx context.Context, config aws.Config, t target, period loss.Period) (map[loss.Environment]int64, error) {
	client := cloudwatchlogs.NewFromConfig(config)
	counts := map[loss.Environment]int64{}
	for _, f := range p.functions() {
		group, err := p.logGroupOf(ctx, config, f)
		if err != nil {
			return nil, p.reached(t, err)
		}
		in := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &group, FilterPattern: aws.String(loss.Reports)}
		if !period.From.IsZero() {
			in.StartTime = aws.Int64(period.From.UnixMilli())
		}
		if !period.To.IsZero() {
			in.EndTime = aws.Int64(period.To.UnixMilli() - 1) // CloudWatch's end belongs to the span
		}
		pages := cloudwatchlogs.NewFilterLogEventsPaginator(client, in)
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			var gone *types.ResourceNotFoundException
			if errors.As(err, &gone) { // it has not been invoked
				break
			}
			if err != nil {
				return nil, p.reached(t, err)
			}
			for _, e := range page.Events {
				if loss.IsReport(aws.ToString(e.Message)) {
					counts[loss.Environment{Function: f.name, Instance: aws.ToString(e.LogStreamName)}]++
				}
			}
		}
	}
	return counts, nil
}
