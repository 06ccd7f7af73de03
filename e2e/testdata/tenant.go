// Tenant is a function that says for whom its process has ever worked. It is built by the tests.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

func main() {
	var served []string // an environment has one request at a time
	lambda.Start(func(ctx context.Context, _ events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
		c, _ := lambdacontext.FromContext(ctx)
		served = append(served, c.TenantID)
		return events.APIGatewayProxyResponse{StatusCode: 200, Body: fmt.Sprint(os.Getpid(), " ", strings.Join(served, ","))}, nil
	})
}
