// Fronts is a function behind every kind of front, and the authorizer of some: it tells what it was
// told, or misbehaves as the last part of the path says. It is built by the tests.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

type event struct {
	Type, MethodArn, RouteArn, AuthorizationToken string // of authorizers
	IdentitySource                                any

	RawPath, Path, RouteKey, Resource string
	PathParameters, StageVariables    map[string]string
	RequestContext                    struct {
		Stage      string
		Authorizer map[string]any
		Identity   struct{ UserArn string }
	}
}

func handle(ctx context.Context, e event) (any, error) {
	if e.Type != "" {
		return authorize(e)
	}
	at := e.RawPath + e.Path
	switch path.Base(at) {
	case "panic":
		panic("the handler gave up")
	case "error":
		return nil, fmt.Errorf("the handler said no")
	case "slow":
		<-ctx.Done()
		time.Sleep(time.Second)
	case "malformed":
		return map[string]any{"statusCode": "much"}, nil
	}
	told, err := json.Marshal(map[string]any{"route": e.RouteKey + e.Resource, "stage": e.RequestContext.Stage, "path": at, "values": e.PathParameters,
		"variables": e.StageVariables, "authorizer": e.RequestContext.Authorizer, "user": e.RequestContext.Identity.UserArn})
	return map[string]any{"statusCode": 200, "body": string(told)}, err
}

// authorize lets in who says allow. A REST API is answered with a policy, an HTTP API with true.
func authorize(e event) (any, error) {
	token := e.AuthorizationToken
	if e.RouteArn != "" {
		token, _ = e.IdentitySource.([]any)[0].(string)
		return map[string]any{"isAuthorized": token == "allow", "context": map[string]any{"who": "you"}}, nil
	}
	effect := "Deny"
	if token == "allow" {
		effect = "Allow"
	}
	return map[string]any{"principalId": "you", "context": map[string]any{"level": 7}, "policyDocument": map[string]any{"Version": "2012-10-17",
		"Statement": []any{map[string]any{"Action": "execute-api:Invoke", "Effect": effect, "Resource": e.MethodArn}}}}, nil
}

func main() { lambda.Start(handle) }
