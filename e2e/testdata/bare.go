// Bare is the smallest function that aws-lambda-go can run, to compare sizes with.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(context.Context, events.APIGatewayV2HTTPRequest) (string, error) { return "Hello World", nil })
}
