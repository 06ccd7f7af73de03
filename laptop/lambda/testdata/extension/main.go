// Command extension is the external extension that the tests run, under any name. What it is told
// goes to the file NAME.log in the folder EXTENSION_FOLDER, a line each; EXTENSION_EVENTS says what it
// registers for, EXTENSION_DO what else it does.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

var name = filepath.Base(os.Args[0])

func main() {
	signal.Ignore(syscall.SIGTERM)
	do := os.Getenv("EXTENSION_DO")
	dir, _ := os.Getwd()
	note("start %d %s %v", os.Getpid(), dir, os.Environ())
	fmt.Println("extension starts")
	switch do {
	case "exit":
		os.Exit(4)
	case "hang":
		time.Sleep(time.Hour)
	case "stray":
		stray := exec.Command("/bin/sleep", "1000")
		stray.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		err := stray.Start()
		note("left behind: %d %v", stray.Process.Pid, err)
	}
	events, _ := json.Marshal(map[string]any{"events": strings.Fields(os.Getenv("EXTENSION_EVENTS"))})
	id, status, body := call("POST", "/2020-01-01/extension/register", string(events), "Lambda-Extension-Name", name)
	note("registered %d %s", status, body)
	_, status, body = call("POST", "/2020-01-01/extension/register", string(events), "Lambda-Extension-Name", name)
	note("again %d %s", status, body)
	if do == "telemetry" {
		subscribe(id)
	}
	if do == "init/error" {
		_, status, _ = call("POST", "/2020-01-01/extension/init/error", "", "Lambda-Extension-Identifier", id, "Lambda-Extension-Function-Error-Type", "Extension.NoLuck")
		os.Exit(5)
	}
	for {
		_, status, body = call("GET", "/2020-01-01/extension/event/next", "", "Lambda-Extension-Identifier", id)
		note("event %d %s", status, body)
		switch {
		case strings.Contains(body, `"SHUTDOWN"`) && do == "stay":
			time.Sleep(time.Hour)
		case strings.Contains(body, `"SHUTDOWN"`):
			note("left %d", time.Now().UnixMilli())
			os.Exit(0)
		case do == "crash":
			os.Exit(3)
		case do == "exit/error":
			call("POST", "/2020-01-01/extension/exit/error", "", "Lambda-Extension-Identifier", id, "Lambda-Extension-Function-Error-Type", "Extension.NoLuck")
			os.Exit(6)
		case do == "slow":
			time.Sleep(300 * time.Millisecond)
		}
		fmt.Println("extension goes on")
	}
}

// subscribe takes all telemetry and notes it.
func subscribe(id string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		note("telemetry %s %s", r.URL.Path, body)
	}))
	_, status, body := call("PUT", "/2022-07-01/telemetry", fmt.Sprintf(`{"schemaVersion":"2022-12-13","types":["platform","function","extension"],
		"buffering":{"timeoutMs":25},"destination":{"protocol":"HTTP","URI":"http://sandbox.localdomain:%d/told"}}`, l.Addr().(*net.TCPAddr).Port), "Lambda-Extension-Identifier", id)
	note("subscribed %d %s", status, body)
}

func note(format string, args ...any) {
	f, err := os.OpenFile(filepath.Join(os.Getenv("EXTENSION_FOLDER"), name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	fmt.Fprintf(f, format+"\n", args...)
}

func call(method, path, body string, headers ...string) (id string, status int, answer string) {
	req, _ := http.NewRequest(method, "http://"+os.Getenv("AWS_LAMBDA_RUNTIME_API")+path, bytes.NewBufferString(body))
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		note("failed %v", err)
		os.Exit(9)
	}
	defer resp.Body.Close()
	data, _ := io.ReadAll(resp.Body)
	return resp.Header.Get("Lambda-Extension-Identifier"), resp.StatusCode, strings.TrimSpace(string(data))
}
