// Extension is a handler and an internal extension that asks for its events and does nothing with
// them: what it costs to be told of invocations at all.
package main

import (
	"io"
	"log"
	"net/http"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	if err := register(); err != nil {
		log.Fatal(err)
	}
	lambda.Start(func() (string, error) { return "Hello", nil })
}

// register follows https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
func register() error {
	api := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2020-01-01/extension/"
	r, err := http.NewRequest(http.MethodPost, api+"register", strings.NewReader(`{"events":["INVOKE"]}`))
	if err != nil {
		return err
	}
	r.Header.Set("Lambda-Extension-Name", "idle")
	id, err := ask(r)
	if err != nil {
		return err
	}
	next, err := http.NewRequest(http.MethodGet, api+"event/next", nil)
	if err != nil {
		return err
	}
	next.Header.Set("Lambda-Extension-Identifier", id)
	go func() {
		for {
			if _, err := ask(next); err != nil {
				log.Fatal(err)
			}
		}
	}()
	return nil
}

func ask(r *http.Request) (id string, err error) {
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.Header.Get("Lambda-Extension-Identifier"), err
}
