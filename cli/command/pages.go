package command

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/ephor-io/ephor/laptop/lambda"
	"github.com/ephor-io/ephor/page"
)

// lambdaPath is where the page's port tells programs, such as the status command, what the Lambda
// service counted.
const lambdaPath = "/api/lambda"

// lambdaStatus is what the Lambda service counted since `up` started.
type lambdaStatus struct {
	Since     time.Time        `json:"since"`
	Functions []functionStatus `json:"functions"`
}

// functionStatus is one function's figures.
type functionStatus struct {
	Name         string `json:"name"`
	Invocations  int64  `json:"invocations"`
	Errors       int64  `json:"errors"`
	Throttles    int64  `json:"throttles"`
	Environments int    `json:"environments"`
	Busy         int    `json:"busy"`
	Peak         int    `json:"peak"`
	Started      int64  `json:"started"`
}

func lambdaStatusOf(since time.Time, stats []lambda.FunctionStats) lambdaStatus {
	out := lambdaStatus{Since: since}
	for _, f := range stats {
		out.Functions = append(out.Functions, functionStatus{
			Name: f.Function, Invocations: f.Invocations, Errors: f.Errors, Throttles: f.Throttles,
			Environments: f.Running, Busy: f.Busy, Peak: f.Peak, Started: f.Started,
		})
	}
	return out
}

// total adds up all functions. Their peaks need not have been at one time, so its Peak is an upper
// bound where there are several.
func (s lambdaStatus) total() (t functionStatus) {
	for _, f := range s.Functions {
		t.Invocations += f.Invocations
		t.Errors += f.Errors
		t.Throttles += f.Throttles
		t.Environments += f.Environments
		t.Busy += f.Busy
		t.Peak += f.Peak
		t.Started += f.Started
	}
	return t
}

// page is what stands behind the page's port: the dashboards as they are now.
func (s *session) page(w http.ResponseWriter, r *http.Request) {
	(*s.dashboards.Load()).ServeHTTP(w, r)
}

// figures are the Lambda service's, for programs.
func (s *session) figures(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	// A reader that has gone cannot be told so.
	_ = json.NewEncoder(w).Encode(s.lambdaStatus())
}

// showBoards makes the page show a's dashboards from now on.
func (s *session) showBoards(a *application) error {
	store := s.addresses.Store
	c := page.Config{
		Title: a.Name, Database: storeDatabase,
		Store:  func() string { return store },
		Status: s.pageStatus,
	}
	for _, b := range a.Boards {
		c.Dashboards = append(c.Dashboards, page.Dashboard(b))
	}
	h, err := page.New(c)
	if err != nil {
		return err
	}
	s.dashboards.Store(&h)
	return nil
}

func (s *session) lambdaStatus() lambdaStatus {
	if l := s.running.Load(); l != nil {
		return lambdaStatusOf(s.started, l.Lambda().Stats())
	}
	return lambdaStatus{Since: s.started}
}

// pageStatus is the header of the page.
func (s *session) pageStatus() page.Status {
	t := s.lambdaStatus().total()
	status := page.Status{
		Figures: []page.Figure{
			{Label: "invocations", Value: float64(t.Invocations)},
			{Label: "errors", Value: float64(t.Errors), Alarm: t.Errors > 0},
			{Label: "throttled", Value: float64(t.Throttles), Alarm: t.Throttles > 0},
			{Label: "environments", Value: float64(t.Environments)},
			{Label: "busy", Value: float64(t.Busy)},
			{Label: "peak", Value: float64(t.Peak)},
		},
	}
	if n := s.notice.Load(); n != nil {
		status.Notice, status.Failed = n.text, n.failed
	}
	if api := s.apiURL.Load(); api != nil && *api != "" {
		u := *api + s.current.Load().FirstGet
		status.Links = []page.Link{{Text: "API", URL: u}}
		status.Try = "curl " + u
	}
	return status
}

// notice is what the page says goes on.
type notice struct {
	text   string
	failed bool
}
