package lambda

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// TestLatestPublished: on Managed Instances an invocation without a qualifier runs what was published
// last, whatever $LATEST has become since.
func TestLatestPublished(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	c, _ := client(t, s)
	const provider = "arn:aws:lambda:us-east-1:000000000000:capacity-provider:mine"
	code, name := hello(t).Code.ZipFile, aws.String("hello")
	made, err := c.CreateFunction(t.Context(), &sdk.CreateFunctionInput{FunctionName: name, Role: aws.String("arn:aws:iam::0:role/r"), Handler: aws.String("h"),
		Runtime: types.RuntimeProvidedal2023, Code: &types.FunctionCode{ZipFile: code}, MemorySize: aws.Int32(2048),
		CapacityProviderConfig: &types.CapacityProviderConfig{LambdaManagedInstancesCapacityProviderConfig: &types.LambdaManagedInstancesCapacityProviderConfig{
			CapacityProviderArn: aws.String(provider), PerExecutionEnvironmentMaxConcurrency: aws.Int32(2)}}})
	if err != nil || *made.Version != "$LATEST" {
		t.Fatalf("%+v %v", made, err)
	}
	_, err = c.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: name})
	if _, ok := errors.AsType[*types.NoPublishedVersionException](err); !ok {
		t.Errorf("before anything is published: %v", err)
	}
	first, err := c.PublishVersion(t.Context(), &sdk.PublishVersionInput{FunctionName: name, PublishTo: types.FunctionVersionLatestPublishedLatestPublished})
	if err != nil || *first.Version != "$LATEST.PUBLISHED" || !strings.HasSuffix(*first.FunctionArn, ":function:hello:$LATEST.PUBLISHED") {
		t.Fatalf("%+v %v", first, err)
	}
	runs := func(qualifier, version, variable string) {
		t.Helper()
		in := &sdk.InvokeInput{FunctionName: name, Payload: []byte(`{"do":"sh","text":"echo $AWS_LAMBDA_FUNCTION_VERSION $VERSION"}`)}
		if qualifier != "" {
			in.Qualifier = &qualifier
		}
		out, err := c.Invoke(t.Context(), in)
		if err != nil {
			t.Fatalf("%q: %v", qualifier, err)
		}
		if *out.ExecutedVersion != version || string(out.Payload) != `"`+strings.TrimSpace(version+" "+variable)+`"` {
			t.Errorf("%q ran %s: %s", qualifier, *out.ExecutedVersion, out.Payload)
		}
	}
	runs("", "$LATEST.PUBLISHED", "")
	if _, err := c.UpdateFunctionConfiguration(t.Context(), &sdk.UpdateFunctionConfigurationInput{FunctionName: name,
		Environment: &types.Environment{Variables: map[string]string{"VERSION": "two"}}}); err != nil {
		t.Fatal(err)
	}
	runs("", "$LATEST.PUBLISHED", "")
	runs("$LATEST.PUBLISHED", "$LATEST.PUBLISHED", "")
	runs("$LATEST", "$LATEST", "two")
	if _, err := c.UpdateFunctionCode(t.Context(), &sdk.UpdateFunctionCodeInput{FunctionName: name, ZipFile: code, Publish: true,
		PublishTo: types.FunctionVersionLatestPublishedLatestPublished}); err != nil {
		t.Fatal(err)
	}
	runs("", "$LATEST.PUBLISHED", "two")
	if v, err := c.PublishVersion(t.Context(), &sdk.PublishVersionInput{FunctionName: name}); err != nil || *v.Version != "1" {
		t.Fatalf("%+v %v", v, err)
	}
	runs("1", "1", "two")
	all, err := c.ListVersionsByFunction(t.Context(), &sdk.ListVersionsByFunctionInput{FunctionName: name})
	if err != nil {
		t.Fatal(err)
	}
	var versions []string
	for _, v := range all.Versions {
		versions = append(versions, *v.Version)
	}
	if !slices.Equal(versions, []string{"$LATEST", "$LATEST.PUBLISHED", "1"}) {
		t.Errorf("listed: %q", versions)
	}
	if _, err := c.CreateAlias(t.Context(), &sdk.CreateAliasInput{FunctionName: name, Name: aws.String("live"), FunctionVersion: aws.String("$LATEST.PUBLISHED")}); err != nil {
		t.Error(err)
	}
	runs("live", "$LATEST.PUBLISHED", "two")

	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	s = open(t, Config{Dir: dir})
	if got := call(t, s, `{"do":"sh","text":"echo $AWS_LAMBDA_FUNCTION_VERSION $VERSION"}`); string(got) != `"$LATEST.PUBLISHED two"` {
		t.Errorf("after a restart: %s", got)
	}
	if err := s.DeleteFunction(t.Context(), "hello:$LATEST.PUBLISHED"); awsproto.From(err).Code != "ResourceConflictException" {
		t.Errorf("deleted under its alias: %v", err)
	}
	if err := s.DeleteAlias(t.Context(), "hello", "live"); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteFunction(t.Context(), "hello:$LATEST.PUBLISHED"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Invoke(t.Context(), InvokeInput{Function: "hello"}); awsproto.From(err).Code != "NoPublishedVersionException" {
		t.Errorf("after its end: %v", err)
	}
}

func TestPublishToIsRefused(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t))
	for word, in := range map[string]PublishInput{"CapacityProviderConfig": {To: "LATEST_PUBLISHED"}, `"ELSEWHERE"`: {To: "ELSEWHERE"}} {
		if _, err := s.PublishVersion(t.Context(), "hello", in); awsproto.From(err).Code != "InvalidParameterValueException" || !strings.Contains(err.Error(), word) {
			t.Errorf("%+v: %v", in, err)
		}
	}
	c, _ := client(t, s)
	_, err := c.UpdateFunctionCode(t.Context(), &sdk.UpdateFunctionCodeInput{FunctionName: aws.String("hello"), ZipFile: hello(t).Code.ZipFile,
		PublishTo: types.FunctionVersionLatestPublishedLatestPublished})
	if err == nil || !strings.Contains(err.Error(), "Publish=true") {
		t.Errorf("PublishTo alone: %v", err)
	}
}
