package logs

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
)

// groupChoice names a group in one of two ways.
type groupChoice struct {
	Name       string `json:"logGroupName"`
	Identifier string `json:"logGroupIdentifier"`
}

func (g groupChoice) id() (string, error) {
	if (g.Name == "") == (g.Identifier == "") {
		return "", invalid("one of logGroupName and logGroupIdentifier must be there, and not both")
	}
	if strings.HasSuffix(g.Identifier, ":*") {
		return "", invalid("logGroupIdentifier %s: the ARN must not end in :*", g.Identifier)
	}
	return g.Name + g.Identifier, nil
}

// span is what time a query is about.
type span struct {
	Start *int64 `json:"startTime"`
	End   *int64 `json:"endTime"`
}

// times are the bounds in ms, 0 where there is none. An end of 0 is before all events.
func (t span) times() (start, end int64, err error) {
	if t.Start != nil {
		start = *t.Start
	}
	if t.End != nil {
		if end = *t.End; end == 0 {
			end = 1
		}
	}
	if start < 0 || end < 0 {
		return 0, 0, invalid("startTime and endTime are in milliseconds since 1970 and not negative")
	}
	if t.End != nil && start > end {
		return 0, 0, invalid("startTime %d is after endTime %d", start, end)
	}
	return start, end, nil
}

type eventOutput struct {
	Stream   string `json:"logStreamName,omitempty"`
	Time     int64  `json:"timestamp"`
	Message  string `json:"message"`
	Ingested int64  `json:"ingestionTime"`
	ID       string `json:"eventId,omitempty"`
}

// bounded is a limit that is not 0 when it is said.
func bounded(limit *int, most int) (int, error) {
	if limit == nil {
		return most, nil
	}
	if *limit == 0 {
		return 0, invalid("limit 0: 1 to %d", most)
	}
	return checkLimit(*limit, most)
}

// firstDescending is 2024-01-01, before which no search from the end may begin.
const firstDescending = 1704067200000

func serveFilter(s *Service, ctx context.Context, in struct {
	groupChoice
	span
	Streams       []string `json:"logStreamNames"`
	Prefix        string   `json:"logStreamNamePrefix"`
	Pattern       string   `json:"filterPattern"`
	Token         string   `json:"nextToken"`
	Limit         *int     `json:"limit"`
	StartFromHead *bool    `json:"startFromHead"`
	// Ignored: events of all streams always come interleaved, and there is nothing masked.
	Interleaved *bool `json:"interleaved"`
	Unmask      *bool `json:"unmask"`
}) (any, error) {
	group, err := in.id()
	if err != nil {
		return nil, err
	}
	q := Query{Group: group, Streams: in.Streams, Prefix: in.Prefix, Pattern: in.Pattern, Token: in.Token,
		Descending: in.StartFromHead != nil && !*in.StartFromHead}
	if q.Start, q.End, err = in.times(); err != nil {
		return nil, err
	}
	if q.Descending && q.Start < firstDescending {
		return nil, invalid("startFromHead false needs a startTime on or after 2024-01-01 00:00:00 UTC")
	}
	if q.Limit, err = bounded(in.Limit, pageEvents); err != nil {
		return nil, err
	}
	page, err := s.FilterLogEvents(ctx, q)
	if err != nil {
		return nil, err
	}
	out := struct {
		Events   []eventOutput `json:"events"`
		Searched []struct{}    `json:"searchedLogStreams"` // AWS has not filled it since 2019
		Next     string        `json:"nextToken,omitempty"`
	}{[]eventOutput{}, []struct{}{}, page.Next}
	for _, e := range page.Events {
		out.Events = append(out.Events, eventOutput{e.Stream, e.Time, e.Message, e.Ingested, e.ID})
	}
	return out, nil
}

func serveGet(s *Service, ctx context.Context, in struct {
	groupChoice
	span
	Stream   string `json:"logStreamName"`
	Token    string `json:"nextToken"`
	Limit    *int   `json:"limit"`
	FromHead bool   `json:"startFromHead"`
	Unmask   *bool  `json:"unmask"` // there is nothing masked
}) (any, error) {
	group, err := in.id()
	if err != nil {
		return nil, err
	}
	q := StreamQuery{Group: group, Stream: in.Stream, FromHead: in.FromHead, Token: in.Token}
	if q.Start, q.End, err = in.times(); err != nil {
		return nil, err
	}
	if q.Limit, err = bounded(in.Limit, pageEvents); err != nil {
		return nil, err
	}
	page, err := s.GetLogEvents(ctx, q)
	if err != nil {
		return nil, err
	}
	out := struct {
		Events   []eventOutput `json:"events"`
		Forward  string        `json:"nextForwardToken"`
		Backward string        `json:"nextBackwardToken"`
	}{[]eventOutput{}, page.Forward, page.Backward}
	for _, e := range page.Events {
		out.Events = append(out.Events, eventOutput{Time: e.Time, Message: e.Message, Ingested: e.Ingested})
	}
	return out, nil
}

// pageOf cuts a page out of a list: its token names the last item of the page before.
func pageOf[V any](all []V, limit int, token string, name func(V) string) (page []V, next string, err error) {
	if token != "" {
		last, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil {
			return nil, "", invalid("The specified nextToken is invalid.")
		}
		i := slices.IndexFunc(all, func(v V) bool { return name(v) == string(last) })
		if i < 0 {
			return nil, "", invalid("The specified nextToken is invalid.")
		}
		all = all[i+1:]
	}
	if len(all) <= limit {
		return all, "", nil
	}
	return all[:limit], base64.RawURLEncoding.EncodeToString([]byte(name(all[limit-1]))), nil
}

// maxDescribed is how many groups or streams one page has.
const maxDescribed = 50

type groupOutput struct {
	Name      string `json:"logGroupName"`
	Created   int64  `json:"creationTime"`
	Retention int    `json:"retentionInDays,omitempty"`
	Filters   int    `json:"metricFilterCount"`
	ARN       string `json:"arn"`
	Stored    int64  `json:"storedBytes"`
	Class     string `json:"logGroupClass"`
	GroupARN  string `json:"logGroupArn"`
}

func serveDescribeGroups(s *Service, _ context.Context, in struct {
	Prefix  string `json:"logGroupNamePrefix"`
	Pattern string `json:"logGroupNamePattern"`
	Class   string `json:"logGroupClass"`
	Token   string `json:"nextToken"`
	Limit   *int   `json:"limit"`
}) (any, error) {
	if in.Prefix != "" && in.Pattern != "" {
		return nil, invalid("logGroupNamePrefix and logGroupNamePattern exclude each other")
	}
	limit, err := bounded(in.Limit, maxDescribed)
	if err != nil {
		return nil, err
	}
	all := slices.DeleteFunc(s.Groups(in.Prefix), func(g LogGroup) bool {
		return !strings.Contains(g.Name, in.Pattern) || in.Class != "" && in.Class != "STANDARD"
	})
	page, next, err := pageOf(all, limit, in.Token, func(g LogGroup) string { return g.Name })
	if err != nil {
		return nil, err
	}
	out := struct {
		Groups []groupOutput `json:"logGroups"`
		Next   string        `json:"nextToken,omitempty"`
	}{[]groupOutput{}, next}
	for _, g := range page {
		out.Groups = append(out.Groups, groupOutput{Name: g.Name, Created: g.Created.UnixMilli(), Retention: g.Retention,
			ARN: g.ARN + ":*", Stored: g.StoredBytes, Class: "STANDARD", GroupARN: g.ARN})
	}
	return out, nil
}

type streamOutput struct {
	Name      string `json:"logStreamName"`
	Created   int64  `json:"creationTime"`
	First     int64  `json:"firstEventTimestamp,omitempty"`
	Last      int64  `json:"lastEventTimestamp,omitempty"`
	Ingestion int64  `json:"lastIngestionTime,omitempty"`
	ARN       string `json:"arn"`
	Stored    int64  `json:"storedBytes"` // 0 on AWS since 2019
}

func serveDescribeStreams(s *Service, _ context.Context, in struct {
	groupChoice
	Prefix     string `json:"logStreamNamePrefix"`
	OrderBy    string `json:"orderBy"`
	Descending bool   `json:"descending"`
	Token      string `json:"nextToken"`
	Limit      *int   `json:"limit"`
}) (any, error) {
	group, err := in.id()
	if err != nil {
		return nil, err
	}
	limit, err := bounded(in.Limit, maxDescribed)
	if err != nil {
		return nil, err
	}
	all, err := s.Streams(group, in.Prefix)
	if err != nil {
		return nil, err
	}
	switch in.OrderBy {
	case "", "LogStreamName":
	case "LastEventTime":
		if in.Prefix != "" {
			return nil, invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
		}
		slices.SortStableFunc(all, func(a, b LogStream) int { return int(a.LastEvent - b.LastEvent) })
	default:
		return nil, invalid("orderBy %s: LogStreamName or LastEventTime", in.OrderBy)
	}
	if in.Descending {
		slices.Reverse(all)
	}
	page, next, err := pageOf(all, limit, in.Token, func(st LogStream) string { return st.Name })
	if err != nil {
		return nil, err
	}
	out := struct {
		Streams []streamOutput `json:"logStreams"`
		Next    string         `json:"nextToken,omitempty"`
	}{[]streamOutput{}, next}
	for _, st := range page {
		out.Streams = append(out.Streams, streamOutput{Name: st.Name, Created: st.Created, First: st.FirstEvent,
			Last: st.LastEvent, Ingestion: st.LastIngestion, ARN: st.ARN})
	}
	return out, nil
}
