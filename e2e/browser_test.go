package e2e

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/ephor-io/ephor/internal/browsertest"
	"github.com/ephor-io/ephor/internal/uptest"
)

// A browser opens the dashboard while requests flow and sees the counter move by what was sent.
// It runs alone: see browsertest.
func TestTheBrowserSeesTheLoad(t *testing.T) {
	tab := browsertest.Open(t)
	a := up(t, uptest.Root(t), helloProgram(t), filepath.Join(t.TempDir(), "state"))
	browsertest.Go(t, tab, a.Dashboard+"?from=now-30m&to=now") // longer than the test, on any machine
	browsertest.Until(t, tab, `document.title.includes("Sparta Hello World")`, "true")

	const sum = `globalThis.ephor ? ephor.panels.find(p => p.model.title === "helloWorldCounterMetric").series.reduce((n, s) => n + s.values.reduce((a, b) => a + b, 0), 0) : 0`
	sent := 0
	ask := func(n int, path string) {
		var asking sync.WaitGroup
		for range n {
			sent++
			asking.Go(func() {
				response, err := http.Get(a.API + path)
				if err != nil {
					t.Error(err)
					return
				}
				defer response.Body.Close()
				if response.StatusCode != http.StatusOK {
					t.Error(response.Status)
				}
			})
		}
		asking.Wait()
		if t.Failed() {
			t.FailNow()
		}
	}
	// It moves while the load goes on, not only at the end, and never shows more than there was.
	steps := map[string]bool{}
	uptest.Eventually(t, "three sums on the page while the load goes on", func() bool {
		for range 10 {
			ask(1, "/hello/grafana")
		}
		seen := browsertest.JS(t, tab, sum)
		if n, err := strconv.Atoi(seen); err != nil || n > sent {
			t.Fatalf("the page shows %s of %d", seen, sent)
		}
		steps[seen] = true
		return len(steps) >= 3
	})
	// What the store did not take in time stays with its environment, which sends it again when it is thawed:
	// for its next event. So none must be left without one for long.
	var waking time.Time
	uptest.Eventually(t, "the sum of all that was sent", func() bool {
		if seen := browsertest.JS(t, tab, sum); seen == strconv.Itoa(sent) {
			return true
		}
		if time.Since(waking) > 10*time.Second {
			ask(12, "/hello/grafana?ms=300")
			waking = time.Now()
		}
		return false
	})
}

// TestPictures takes the pictures of the documentation, under a load of a minute:
//
//	EPHOR_PICTURES=docs go test ./e2e -run Pictures
func TestPictures(t *testing.T) {
	folder := os.Getenv("EPHOR_PICTURES")
	if folder == "" {
		t.Skip("EPHOR_PICTURES names no folder for the pictures of the documentation")
	}
	tab := browsertest.Open(t)
	a := up(t, uptest.Root(t), helloProgram(t), filepath.Join(t.TempDir(), "state"),
		"--load", "20s@5..60,20s@60..120,15s@120..30,10s@30", "--load-url", "/hello/grafana?ms=80")
	browsertest.Go(t, tab, a.Dashboard+"?from=now-1m&to=now")
	browsertest.Until(t, tab, `document.title.includes("Sparta Hello World")`, "true")
	time.Sleep(62 * time.Second)
	picture(t, tab, filepath.Join(uptest.Root(t), folder, "page-light.png"))
	if err := chromedp.Run(tab, emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}})); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Second)
	picture(t, tab, filepath.Join(uptest.Root(t), folder, "page-dark.png"))
}

func picture(t *testing.T, tab context.Context, path string) {
	t.Helper()
	var png []byte
	if err := chromedp.Run(tab, chromedp.CaptureScreenshot(&png)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, png, 0o644); err != nil {
		t.Fatal(err)
	}
}
