// Package browsertest opens web pages in a real Chromium, for tests.
//
//	tab := browsertest.Open(t)
//	browsertest.Go(t, tab, "http://127.0.0.1:3000/")
//	browsertest.Until(t, tab, `document.title`, `"hello"`)
package browsertest

import (
	"context"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Open starts a Chromium and opens a tab in it, which the context stands for, as in chromedp; both
// are closed when the test ends. Without a
// Chromium the test is skipped. An exception that a page does not catch fails the test. Such
// tests had better not run in parallel: a browser has work for several processors.
func Open(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed: apt-get install chromium")
	}
	flags := []chromedp.ExecAllocatorOption{chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.NoFirstRun, chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1440, 900), chromedp.WSURLReadTimeout(time.Minute)}
	for _, f := range []string{"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync"} {
		flags = append(flags, chromedp.Flag(f, true))
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), flags...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	chromedp.ListenTarget(ctx, func(event any) {
		if e, ok := event.(*runtime.EventExceptionThrown); ok {
			t.Errorf("the page threw: %v", e.ExceptionDetails.Error())
		}
	})
	if err := chromedp.Run(ctx); err != nil {
		t.Fatalf("starting chromium: %v", err)
	}
	t.Cleanup(func() {
		// Closed in an orderly way, it is done with its directory when that is removed.
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("closing chromium: %v", err)
		}
	})
	return ctx
}

// Go opens a page.
func Go(t *testing.T, tab context.Context, url string) {
	t.Helper()
	if err := chromedp.Run(tab, chromedp.Navigate(url)); err != nil {
		t.Fatal(err)
	}
}

// JS is the value of a JavaScript expression, waited for if it is a promise, as JSON.
func JS(t *testing.T, tab context.Context, expression string) string {
	t.Helper()
	var got string
	await := func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
	if err := chromedp.Run(tab, chromedp.Evaluate("Promise.resolve("+expression+").then(v => JSON.stringify(v ?? null))", &got, await)); err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return got
}

// Until waits for an expression to become what is wanted, for a minute.
func Until(t *testing.T, tab context.Context, expression, want string) {
	t.Helper()
	var got string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if got = JS(t, tab, expression); got == want {
			return
		}
	}
	t.Fatalf("%s is %s, want %s", expression, got, want)
}
