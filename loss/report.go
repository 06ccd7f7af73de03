package loss

import (
	"encoding/json"
	"strings"
)

const (
	textReport = "REPORT RequestId: "
	jsonReport = "platform.report"
)

// Reports is a filter pattern of CloudWatch Logs that finds all lines for which IsReport is true, and
// perhaps others: a function may write what it likes. See
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
const Reports = `?"` + textReport + `" ?"` + jsonReport + `"`

// IsReport says that a line of a function's log is the one that Lambda writes of every invocation: the line
// REPORT of a function that logs as text, or the event platform.report of one that logs as JSON. With
// the SystemLogLevel WARN only invocations that failed have one. See
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-view.html and
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
func IsReport(line string) bool {
	if !strings.HasPrefix(line, "{") {
		return strings.HasPrefix(line, textReport)
	}
	var event struct {
		Type   string
		Record struct{ RequestID string }
	}
	return json.Unmarshal([]byte(line), &event) == nil && event.Type == jsonReport && event.Record.RequestID != ""
}
