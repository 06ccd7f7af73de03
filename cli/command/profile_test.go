package command

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// What is wrong with a command line, or cannot be had, is told before anything is asked.
func TestUsageOfProfile(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	f := func(want int, text string, args ...string) {
		t.Helper()
		p, stdout, stderr := shopProgram("Handle")
		if status := p.run(t.Context(), append([]string{"profile", "--state", state}, args...)); status != want || !strings.Contains(stderr.String(), text) || stdout.Len() > 0 {
			t.Errorf("%q: status %d, %s%s, want %d with %q", args, status, stdout, stderr, want, text)
		}
	}
	f(2, `--type "gpu": it is one of cpu, block`, "--type", "gpu")
	f(2, "--seconds: a heap profile is of a moment", "--type", "heap", "--seconds", "3")
	f(2, "--seconds 0: 1 to 3600", "--seconds", "0")
	f(2, `--seconds: "x" is not a number`, "--seconds", "x")
	f(2, "profile takes one function, and got a b", "a", "b")
	f(1, "on AWS nothing but an invocation gets into an execution environment", "--target", "aws")
	f(1, "try: up --profile --load PLAN", "--target", "aws")
	f(1, "Shop is not running on this machine", "Handle")
}

// That it is recorded is said when it is: not of a function that has no environment.
func TestARecordingIsToldWhenItHasBegun(t *testing.T) {
	t.Parallel()
	ask := func(answer http.HandlerFunc) (string, error) {
		server := httptest.NewServer(answer)
		defer server.Close()
		p, _, stderr := shopProgram("Handle")
		_, err := p.takeProfile(t.Context(), addresses{Endpoint: server.URL}, deployed{"Handle", "Shop-Handle"}, profileFlags{kind: "cpu", seconds: 10})
		return stderr.String(), err
	}
	said, err := ask(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amzn-Errortype", "ResourceConflictException")
		w.WriteHeader(http.StatusConflict)
		_, _ = io.WriteString(w, `{"Message": "another profile is being taken"}`)
	})
	if err == nil || said != "" {
		t.Errorf("%q, %v", said, err)
	}
	said, err = ask(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusProcessing)
		_, _ = io.WriteString(w, "profile")
	})
	if err != nil || said != "Handle: recording for 10.0 s\n" {
		t.Errorf("%q, %v", said, err)
	}
}
