package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// dropPolls asks for six events at once, goes away, and asks for no more.
func dropPolls() {
	var polls []net.Conn
	for range 6 {
		c, err := net.Dial("tcp", os.Getenv("AWS_LAMBDA_RUNTIME_API"))
		if err != nil {
			panic(err)
		}
		io.WriteString(c, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: lambda\r\n\r\n")
		polls = append(polls, c)
	}
	time.Sleep(100 * time.Millisecond)
	for _, c := range polls {
		c.Close()
	}
	time.Sleep(time.Hour)
}

// pollAhead asks for the next event before it answers the one that it has, and answers with the
// number of events that it has at that moment.
func pollAhead() {
	api := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	working := make(chan struct{}, 1000)
	for {
		resp, err := http.Get(api + "next")
		if err != nil {
			return
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		go func() {
			working <- struct{}{}
			time.Sleep(30 * time.Millisecond)
			answer := strings.Repeat("x", len(working))
			<-working
			resp, err := http.Post(api+resp.Header.Get("Lambda-Runtime-Aws-Request-Id")+"/response", "application/json", strings.NewReader(`"`+answer+`"`))
			if err == nil {
				resp.Body.Close()
			}
		}()
	}
}
