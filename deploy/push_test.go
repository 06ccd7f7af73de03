package deploy

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// A function has an image whichever way its URI says so: Lambda tells what it was given, which may be a tag, and the digest
// that it has made of that.
//
// https://docs.aws.amazon.com/lambda/latest/api/API_FunctionCodeLocation.html
func TestWhichImageAFunctionHas(t *testing.T) {
	t.Parallel()
	const repository = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/ephor/shop"
	for _, f := range []struct {
		image, resolved string
		has             bool
	}{
		{repository + ":1", repository + "@sha256:1", true},
		{repository + "@sha256:1", "", true},
		{repository + ":1", repository + "@sha256:2", false},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"Code": {"ImageUri": %q, "ResolvedImageUri": %q}}`, f.image, f.resolved)
		}))
		d := New(Config{AWS: aws.Config{Region: "eu-central-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("any", "any", "")}})
		has, err := d.imageCode(repository+"@sha256:1").has(t.Context(), "Shop-Handle")
		if err != nil || has != f.has {
			t.Errorf("%s, resolved to %s: %v, %v", f.image, f.resolved, has, err)
		}
		server.Close()
	}
}
