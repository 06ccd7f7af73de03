package command

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/loss"
)

// CloudWatch gets Lambda's counts once a minute, and each under the time when the invocation began, so
// after it has ended: what began a timeout and some minutes ago is counted, what is newer may not be.
//
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-view.html
const metricsDelay = 3 * time.Minute

// longestTimeout is the longest that one of the application's invocations takes.
func longestTimeout(app *ephor.App) time.Duration {
	longest := 3 * time.Second // Lambda's default
	for _, f := range app.Functions() {
		longest = max(longest, f.Timeout)
	}
	return longest
}

// metricsPeriod is the shortest period for which CloudWatch still has what is of that age.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
func metricsPeriod(age time.Duration) (time.Duration, error) {
	const day = 24 * time.Hour
	switch {
	case age < 15*day:
		return time.Minute, nil
	case age < 63*day:
		return 5 * time.Minute, nil
	case age < 455*day:
		return time.Hour, nil
	}
	return 0, fmt.Errorf("CloudWatch keeps its counts for 455 days, not for %.0f", age.Hours()/24)
}

// countable is the part of a period of which CloudWatch has all counts now, in whole units of its own.
// Its unit before the beginning belongs to it, as CloudWatch rounds down. It is empty, From at To, where
// everything is too new.
func countable(p loss.Period, now time.Time, timeout time.Duration) (loss.Period, time.Duration, error) {
	unit, err := metricsPeriod(now.Sub(p.From))
	if err != nil {
		return loss.Period{}, 0, err
	}
	to := now.Add(-metricsDelay - timeout)
	if !p.To.IsZero() && p.To.Before(to) {
		to = p.To
	}
	c := loss.Period{From: p.From.UTC().Truncate(unit), To: to.UTC().Truncate(unit)}
	if c.To.Before(c.From) {
		c.To = c.From
	}
	return c, unit, nil
}

// metricsAtOnce is how many metrics one request may ask for.
const metricsAtOnce = 500

// invoked is the sum of the metric Invocations of each of the application's functions, by its name. The
// period is one that countable has made. Lambda sends no zeros, so a function without a point was not invoked.
//
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
func (p *program) invoked(ctx context.Context, client cloudwatch.GetMetricDataAPIClient, t target, period loss.Period, unit time.Duration) (map[string]int64, error) {
	counts := map[string]int64{}
	var queries []types.MetricDataQuery
	names := map[string]string{}
	for i, f := range p.functions() {
		id := "f" + strconv.Itoa(i) // a query's ID begins with a lower-case letter
		names[id], counts[f.name] = f.name, 0
		queries = append(queries, types.MetricDataQuery{
			Id: &id,
			MetricStat: &types.MetricStat{
				Metric: &types.Metric{
					Namespace: aws.String("AWS/Lambda"), MetricName: aws.String("Invocations"),
					Dimensions: []types.Dimension{{Name: aws.String("FunctionName"), Value: &f.name}},
				},
				Period: aws.Int32(int32(unit / time.Second)), Stat: aws.String("Sum"),
			},
		})
	}
	for len(queries) > 0 && period.From.Before(period.To) {
		n := min(len(queries), metricsAtOnce)
		pages := cloudwatch.NewGetMetricDataPaginator(client, &cloudwatch.GetMetricDataInput{
			StartTime: &period.From, EndTime: &period.To, MetricDataQueries: queries[:n], ScanBy: types.ScanByTimestampAscending,
		})
		status := map[string]types.StatusCode{}
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, p.reached(t, err)
			}
			for _, r := range page.MetricDataResults {
				id := aws.ToString(r.Id)
				// PartialData is what all pages but the last may say: the rest is on the next.
				status[id] = r.StatusCode
				for _, v := range r.Values {
					counts[names[id]] += int64(v)
				}
			}
		}
		for id, s := range status {
			if s != types.StatusCodeComplete {
				return nil, hinted(fmt.Errorf("counting %s in CloudWatch: the answer is not complete: %s", names[id], s), "the same again, or a shorter --since")
			}
		}
		queries = queries[n:]
	}
	return counts, nil
}
