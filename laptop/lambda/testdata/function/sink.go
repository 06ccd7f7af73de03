package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// sink is a handler that keeps every event in a file of its own, named by the time and the request
// ID, and then fails if it is told to, or answers what it is told to.
func sink(dir string) func(context.Context, json.RawMessage) (any, error) {
	return func(ctx context.Context, event json.RawMessage) (any, error) {
		lc, _ := lambdacontext.FromContext(ctx)
		name := filepath.Join(dir, fmt.Sprintf("%d-%s", time.Now().UnixNano(), lc.AwsRequestID))
		err := os.WriteFile(name+".tmp", event, 0o600)
		if err == nil {
			err = os.Rename(name+".tmp", name)
		}
		if err == nil && os.Getenv("FAIL") != "" {
			err = errors.New(os.Getenv("FAIL"))
		}
		if answer := os.Getenv("ANSWER"); answer != "" {
			return json.RawMessage(answer), err
		}
		return "kept", err
	}
}
