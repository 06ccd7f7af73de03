// Greeter is a function that knows nothing of Ephor. It is built by the tests.
package main

import (
	"context"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(_ context.Context, r events.APIGatewayV2HTTPRequest) (string, error) {
		return os.Getenv("GREETING") + ", " + r.PathParameters["name"], nil
	})
}
