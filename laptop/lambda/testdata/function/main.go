// Command function is the Lambda function that the tests run. Its event says what it does; its
// variables say what it does before the first event, and whether it has an internal extension.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Do     string `json:"do"`
	MS     int    `json:"ms"`
	Bytes  int    `json:"bytes"`
	Text   string `json:"text"`
	Status int    `json:"status"`
}

var served = struct {
	sync.Mutex
	tenants map[string]bool
}{tenants: map[string]bool{}}

func handle(ctx context.Context, e event) (any, error) {
	time.Sleep(time.Duration(e.MS) * time.Millisecond)
	switch e.Do {
	case "error":
		return nil, errors.New(e.Text)
	case "panic":
		panic(e.Text)
	case "exit":
		os.Exit(e.Status)
	case "kill":
		return nil, syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "signal": // by a shell: Go's runtime would make a panic of it
		return nil, syscall.Exec("/bin/sh", []string{"sh", "-c", fmt.Sprintf("kill -%d $$", e.Status)}, os.Environ())
	case "big":
		return strings.Repeat("x", e.Bytes), nil
	case "print":
		fmt.Print(e.Text)
	case "wait": // until the file is there
		awaits(e.Text)
	case "stream":
		return &pieces{what: e}, nil
	case "sh":
		out, _ := exec.Command("/bin/sh", "-c", e.Text).CombinedOutput() // it says itself what is wrong
		return strings.TrimSpace(string(out)), nil
	case "allocate":
		block := make([]byte, e.Bytes)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		time.Sleep(time.Duration(e.Status) * time.Millisecond)
		return block[len(block)/2], nil
	case "variables":
		return os.Environ(), nil
	case "child":
		child := exec.Command("/bin/sleep", "1000")
		if err := child.Start(); err != nil {
			return nil, err
		}
		fmt.Println("child", child.Process.Pid)
		for e.Text == "busy" {
			time.Sleep(time.Hour)
		}
		return child.Process.Pid, nil
	case "children": // as many as Status says, until one cannot be started; then they are ended
		return children(e.Status), nil
	case "tenant": // whom this process has ever worked for
		lc, _ := lambdacontext.FromContext(ctx)
		served.Lock()
		defer served.Unlock()
		served.tenants[lc.TenantID] = true
		return map[string]any{"pid": os.Getpid(), "version": os.Getenv("VERSION"), "tenants": slices.Collect(maps.Keys(served.tenants))}, nil
	case "context":
		lc, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		return map[string]any{"id": lc.AwsRequestID, "arn": lc.InvokedFunctionArn, "left": time.Until(deadline).Milliseconds(),
			"client": lc.ClientContext.Custom["k"], "trace": ctx.Value("x-amzn-trace-id")}, nil
	}
	dir, _ := os.Getwd()
	return map[string]any{"pid": os.Getpid(), "dir": dir, "version": os.Getenv("VERSION")}, nil
}

// pieces is an answer that comes in pieces: "one", then what there is to come once the file Text is
// there: Bytes zeros, or an error for Status, or "two".
type pieces struct {
	what event
	sent int
}

func (p *pieces) ContentType() string { return "text/pieces" }

func (p *pieces) Read(b []byte) (int, error) {
	p.sent++
	if p.sent == 1 {
		return copy(b, "one"), nil
	}
	for p.what.Text != "" {
		if _, err := os.Stat(p.what.Text); err == nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	switch {
	case p.what.Status != 0:
		return 0, errors.New("no more")
	case p.what.Bytes > 0:
		n := min(len(b), p.what.Bytes)
		clear(b[:n])
		p.what.Bytes -= n
		return n, nil
	case p.sent == 2:
		return copy(b, "two"), nil
	}
	return 0, io.EOF
}

// awaits returns when a file is there.
func awaits(path string) {
	for {
		if _, err := os.Stat(path); err == nil {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func main() {
	if d, err := time.ParseDuration(os.Getenv("INIT_MS") + "ms"); err == nil {
		time.Sleep(d)
	}
	how := os.Getenv("INIT")
	if path := os.Getenv("INIT_ONCE"); path != "" {
		if _, err := os.Stat(path); err == nil {
			how = ""
		}
		os.WriteFile(path, nil, 0o600)
	}
	switch how {
	case "exit":
		os.Exit(3)
	case "hang":
		time.Sleep(time.Hour)
	case "error":
		post("/2018-06-01/runtime/init/error", "", `{"errorType":"Runtime.NoConfig","errorMessage":"no configuration"}`)
		os.Exit(1)
	}
	if d, err := time.ParseDuration(os.Getenv("EXTENSION")); err == nil {
		extend(d)
	}
	if path := os.Getenv("SIGTERM_FILE"); path != "" {
		terminated := make(chan os.Signal, 1)
		signal.Notify(terminated, syscall.SIGTERM)
		go func() {
			<-terminated
			os.WriteFile(path, []byte("SIGTERM"), 0o600)
			os.Exit(0)
		}()
	}
	if path := os.Getenv("SIGTERM_STAY"); path != "" {
		go stay(path)
	}
	const limit = "AWS_LAMBDA_MAX_CONCURRENCY" // which the runtime reads before main
	if n := os.Getenv("WORKERS"); n != "" && n != os.Getenv(limit) {
		os.Setenv(limit, n)
		panic(syscall.Exec(os.Args[0], os.Args, os.Environ()))
	}
	switch os.Getenv("POLLS") {
	case "dropped":
		dropPolls()
	case "ahead":
		pollAhead()
	}
	if dir := os.Getenv("SINK"); dir != "" {
		lambda.Start(sink(dir))
	}
	lambda.Start(handle)
}

// extend registers an internal extension that works for d after every invocation's event.
func extend(d time.Duration) {
	id := post("/2020-01-01/extension/register", "tester", `{"events":["INVOKE"]}`)
	go func() {
		for {
			req, _ := http.NewRequest(http.MethodGet, "http://"+os.Getenv("AWS_LAMBDA_RUNTIME_API")+"/2020-01-01/extension/event/next", nil)
			req.Header.Set("Lambda-Extension-Identifier", id)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				return
			}
			var event map[string]any
			json.NewDecoder(resp.Body).Decode(&event)
			resp.Body.Close()
			time.Sleep(d)
			if path := os.Getenv("EXTENSION_UNTIL"); path != "" {
				awaits(path)
			}
			if os.Getenv("EXTENSION_PRINTS") != "" {
				fmt.Println("extension:", event["eventType"], event["requestId"])
			}
		}
	}()
}

func post(path, extension, body string) string {
	req, _ := http.NewRequest(http.MethodPost, "http://"+os.Getenv("AWS_LAMBDA_RUNTIME_API")+path, bytes.NewBufferString(body))
	req.Header.Set("Lambda-Extension-Name", extension)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	return resp.Header.Get("Lambda-Extension-Identifier")
}
