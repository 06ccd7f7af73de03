// Command misbehaving is a Lambda function with a loop of its own, which makes the Runtime API's calls in the
// wrong order, twice, for the wrong invocation and with too much. What it was told it answers to a later event.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
)

const (
	invocations = "/2018-06-01/runtime/invocation/"
	extensions  = "/2020-01-01/extension/"
)

var told []string

// call makes a request and notes what it was told.
func call(method, path, body string, headers ...string) (*http.Response, string) {
	req, err := http.NewRequest(method, "http://"+os.Getenv("AWS_LAMBDA_RUNTIME_API")+path, bytes.NewBufferString(body))
	if err != nil {
		panic(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		panic(err)
	}
	return resp, string(data)
}

func note(what string, resp *http.Response, body string) {
	told = append(told, fmt.Sprint(what, ": ", resp.StatusCode, " ", body))
}

func next() (id, what string) {
	resp, body := call("GET", invocations+"next", "")
	if resp.StatusCode != http.StatusOK { // as loops that trust in it do
		panic(resp.Status + ": " + body)
	}
	var event struct{ Do string }
	if err := json.Unmarshal([]byte(body), &event); err != nil {
		panic(err)
	}
	return resp.Header.Get("Lambda-Runtime-Aws-Request-Id"), event.Do
}

func answer(id, with string) (*http.Response, string) {
	return call("POST", invocations+id+"/response", with)
}

// write sends the pieces of a streamed answer, and reads what it is told if that is wanted.
func write(id, pieces string, told bool) {
	conn, err := net.Dial("tcp", os.Getenv("AWS_LAMBDA_RUNTIME_API"))
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	_, err = io.WriteString(conn, "POST "+invocations+id+"/response HTTP/1.1\r\nHost: "+os.Getenv("AWS_LAMBDA_RUNTIME_API")+
		"\r\nLambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n"+
		"Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n"+pieces)
	if err != nil {
		panic(err)
	}
	if told {
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			panic(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			panic(err)
		}
		note("trailers", resp, string(body))
	}
}

func main() {
	for i := range 11 {
		resp, body := call("POST", extensions+"register", `{"events":[]}`, fmt.Sprint("Lambda-Extension-Name: internal-", i))
		if i < 10 && resp.StatusCode == 200 {
			go call("GET", extensions+"event/next", "", "Lambda-Extension-Identifier: "+resp.Header.Get("Lambda-Extension-Identifier"))
			continue
		}
		note("extension", resp, body)
	}
	resp, body := call("POST", extensions+"register", `{"events":["SHUTDOWN"]}`, "Lambda-Extension-Name: another")
	note("SHUTDOWN", resp, body)
	before := ""
	for {
		id, what := next()
		switch what {
		case "twice":
			answer(id, `"once"`)
			resp, body := answer(id, `"twice"`)
			note(what, resp, body)
		case "both": // an error after an answer
			answer(id, `"fine"`)
			resp, body := call("POST", invocations+id+"/error", `{"errorMessage":"not fine"}`)
			note(what, resp, body)
		case "stale":
			resp, body := answer(before, `"late"`)
			note(what, resp, body)
			answer(id, `"in time"`)
		case "unknown":
			resp, body := answer("00000000-0000-0000-0000-000000000000", `"?"`)
			note(what, resp, body)
			answer(id, `"known"`)
		case "large":
			resp, body := answer(id, `"`+strings.Repeat("x", 6<<20+200)+`"`)
			note(what, resp, body)
		case "again": // asks for the next event without having answered
			again, _ := next()
			told = append(told, fmt.Sprint("again: ", again == id))
			answer(id, `"answered"`)
		case "init/error":
			resp, body := call("POST", "/2018-06-01/runtime/init/error", `{"errorMessage":"too late"}`)
			note(what, resp, body)
			answer(id, `"initialised"`)
		case "mode":
			resp, body := call("POST", invocations+id+"/response", `"?"`, "Lambda-Runtime-Function-Response-Mode: flooding")
			note(what, resp, body)
		case "trailers": // an error in the midst of a streamed answer
			write(id, "4\r\nhalf\r\n0\r\nLambda-Runtime-Function-Error-Type: Mine\r\nLambda-Runtime-Function-Error-Body: "+
				base64.StdEncoding.EncodeToString([]byte(`{"errorType":"Mine","errorMessage":"no more"}`))+"\r\n\r\n", true)
		case "cut": // the connection ends in the midst of it
			write(id, "4\r\nhalf\r\n", false)
		case "leave":
			os.Exit(0)
		case "vanish": // closes its connections, and goes on
			http.DefaultClient.CloseIdleConnections()
			answer(id, `"back"`)
		default:
			text, err := json.Marshal(told)
			if err != nil {
				panic(err)
			}
			told = nil
			answer(id, string(text))
		}
		before = id
	}
}
