package lambda

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// edition makes the test function say its edition, which is a change of configuration.
func edition(n int) func(*FunctionInput) {
	return func(in *FunctionInput) { in.Environment = map[string]string{"VERSION": fmt.Sprint(n)} }
}

func TestVersionsAndAliases(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	create(t, s, hello(t, edition(1)))
	c, _ := client(t, s)
	ctx, name := t.Context(), aws.String("hello")

	publish := func(want string) {
		t.Helper()
		v, err := c.PublishVersion(ctx, &sdk.PublishVersionInput{FunctionName: name, Description: aws.String("edition " + want)})
		if err != nil || *v.Version != want || !strings.HasSuffix(*v.FunctionArn, ":hello:"+want) {
			t.Fatalf("published %+v, %v, want version %s", v, err, want)
		}
	}
	publish("1")
	publish("1") // nothing has changed
	if _, err := s.UpdateFunction(ctx, "hello", hello(t, edition(2))); err != nil {
		t.Fatal(err)
	}
	publish("2")
	for _, a := range []sdk.CreateAliasInput{
		{Name: aws.String("live"), FunctionVersion: aws.String("1")},
		{Name: aws.String("next"), FunctionVersion: aws.String("$LATEST")},
	} {
		a.FunctionName = name
		if _, err := c.CreateAlias(ctx, &a); err != nil {
			t.Fatal(err)
		}
	}

	invoke := func(c *sdk.Client, function, qualifier, version, edition string) {
		t.Helper()
		in := &sdk.InvokeInput{FunctionName: &function}
		if qualifier != "" {
			in.Qualifier = &qualifier
		}
		out, err := c.Invoke(ctx, in)
		if err != nil || *out.ExecutedVersion != version || !strings.Contains(string(out.Payload), `"version":"`+edition+`"`) {
			t.Errorf("%s %s: %+v %s %v", function, qualifier, out, out.Payload, err)
		}
	}
	invoke(c, "hello", "", "$LATEST", "2")
	invoke(c, "hello:1", "", "1", "1")
	invoke(c, "hello", "1", "1", "1")
	invoke(c, "arn:aws:lambda:us-east-1:000000000000:function:hello:live", "", "1", "1")
	invoke(c, "hello", "live", "1", "1")
	invoke(c, "hello:live", "live", "1", "1")
	invoke(c, "hello", "next", "$LATEST", "2")
	out, err := c.Invoke(ctx, &sdk.InvokeInput{FunctionName: name, Qualifier: aws.String("live"), Payload: []byte(`{"do":"context"}`)})
	if err != nil || !strings.Contains(string(out.Payload), `:function:hello:live"`) {
		t.Errorf("the function's ARN: %s, %v", out.Payload, err)
	}
	out, err = c.Invoke(ctx, &sdk.InvokeInput{FunctionName: name, Qualifier: aws.String("live"), Payload: []byte(`{"do":"variables"}`)})
	if err != nil || !strings.Contains(string(out.Payload), "AWS_LAMBDA_FUNCTION_VERSION=1\"") || !strings.Contains(string(out.Payload), "/[1]") {
		t.Errorf("the variables: %s, %v", out.Payload, err)
	}

	// A restart changes nothing of it.
	if err := s.Close(ctx); err != nil {
		t.Fatal(err)
	}
	s = open(t, Config{Dir: dir})
	c, _ = client(t, s)
	invoke(c, "hello", "live", "1", "1")
	if _, err := c.UpdateAlias(ctx, &sdk.UpdateAliasInput{FunctionName: name, Name: aws.String("live"), FunctionVersion: aws.String("2")}); err != nil {
		t.Fatal(err)
	}
	invoke(c, "hello", "live", "2", "2")

	refused := func(err error, code string) {
		t.Helper()
		if e, ok := errors.AsType[interface {
			error
			ErrorCode() string
		}](err); !ok || e.ErrorCode() != code {
			t.Errorf("got %v, want %s", err, code)
		}
	}
	_, err = c.DeleteFunction(ctx, &sdk.DeleteFunctionInput{FunctionName: name, Qualifier: aws.String("2")})
	refused(err, "ResourceConflictException")
	_, err = c.DeleteFunction(ctx, &sdk.DeleteFunctionInput{FunctionName: name, Qualifier: aws.String("$LATEST")})
	refused(err, "InvalidParameterValueException")
	_, err = c.Invoke(ctx, &sdk.InvokeInput{FunctionName: name, Qualifier: aws.String("3")})
	refused(err, "ResourceNotFoundException")
	_, err = c.Invoke(ctx, &sdk.InvokeInput{FunctionName: aws.String("hello:1"), Qualifier: aws.String("2")})
	refused(err, "InvalidParameterValueException")
	_, err = c.CreateAlias(ctx, &sdk.CreateAliasInput{FunctionName: name, Name: aws.String("x"), FunctionVersion: aws.String("9")})
	refused(err, "ResourceNotFoundException")
	_, err = c.CreateAlias(ctx, &sdk.CreateAliasInput{FunctionName: name, Name: aws.String("7"), FunctionVersion: aws.String("1")})
	refused(err, "InvalidParameterValueException")
	_, err = c.PublishVersion(ctx, &sdk.PublishVersionInput{FunctionName: name, CodeSha256: aws.String("other")})
	refused(err, "InvalidParameterValueException")
	_, err = c.PublishVersion(ctx, &sdk.PublishVersionInput{FunctionName: name, RevisionId: aws.String("other")})
	refused(err, "PreconditionFailedException")
	_, err = c.UpdateAlias(ctx, &sdk.UpdateAliasInput{FunctionName: name, Name: aws.String("live"), RevisionId: aws.String("other")})
	refused(err, "PreconditionFailedException")
	_, err = c.UpdateFunctionConfiguration(ctx, &sdk.UpdateFunctionConfigurationInput{FunctionName: name, RevisionId: aws.String("other")})
	refused(err, "PreconditionFailedException")
	_, err = c.UpdateFunctionConfiguration(ctx, &sdk.UpdateFunctionConfigurationInput{FunctionName: aws.String("hello:1"), Timeout: aws.Int32(9)})
	refused(err, "InvalidParameterValueException")

	if _, err := c.DeleteFunction(ctx, &sdk.DeleteFunctionInput{FunctionName: name, Qualifier: aws.String("1")}); err != nil {
		t.Error(err)
	}
	_, err = c.Invoke(ctx, &sdk.InvokeInput{FunctionName: name, Qualifier: aws.String("1")})
	refused(err, "ResourceNotFoundException")
	if _, err := s.UpdateFunction(ctx, "hello", hello(t, edition(3))); err != nil {
		t.Fatal(err)
	}
	publish("3") // no number is given twice
	if _, err := c.DeleteAlias(ctx, &sdk.DeleteAliasInput{FunctionName: name, Name: aws.String("live")}); err != nil {
		t.Error(err)
	}
	_, err = c.GetAlias(ctx, &sdk.GetAliasInput{FunctionName: name, Name: aws.String("live")})
	refused(err, "ResourceNotFoundException")
}

// TestVersionKeepsItsCode: a version serves the code that it was published with, whatever becomes
// of $LATEST, and also after a restart.
func TestVersionKeepsItsCode(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	create(t, s, hello(t))
	if _, err := s.PublishVersion(t.Context(), "hello", PublishInput{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.UpdateFunctionCode(t.Context(), "hello", Code{ZipFile: script(t, "exit 1")}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello:1"})
		if err != nil || out.FunctionError != "" {
			t.Fatalf("%s %v", out.Payload, err)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		s = open(t, Config{Dir: dir})
	}
	if err := s.DeleteFunction(t.Context(), "hello:1"); err != nil {
		t.Fatal(err)
	}
	f, err := s.Function("hello")
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the removal of the version's code", func() bool {
		s.code.mu.Lock()
		defer s.code.mu.Unlock()
		return len(s.code.refs) == 1 && s.code.refs[f.CodeSHA256] > 0
	})
}

// TestWeights sends a part of the invocations to another version.
func TestWeights(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t, edition(1)))
	for n := 1; n <= 2; n++ {
		if _, err := s.UpdateFunction(t.Context(), "hello", hello(t, edition(n))); err != nil {
			t.Fatal(err)
		}
		if _, err := s.PublishVersion(t.Context(), "hello", PublishInput{}); err != nil {
			t.Fatal(err)
		}
	}
	c, _ := client(t, s)
	name, live := aws.String("hello"), aws.String("live")
	a, err := c.CreateAlias(t.Context(), &sdk.CreateAliasInput{FunctionName: name, Name: live, FunctionVersion: aws.String("1"),
		RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{"2": 0.5}}})
	if err != nil || a.RoutingConfig.AdditionalVersionWeights["2"] != 0.5 {
		t.Fatalf("%+v %v", a, err)
	}
	served := map[string]int{}
	for range 200 { // all of one version: once in 2^199 runs
		out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello:live"})
		if err != nil {
			t.Fatal(err)
		}
		served[out.ExecutedVersion]++
	}
	if served["1"] == 0 || served["2"] == 0 || served["1"]+served["2"] != 200 {
		t.Errorf("served by %v", served)
	}
	for weights, want := range map[float64]string{0: "1", 1: "2"} {
		if _, err := s.UpdateAlias(t.Context(), "hello", AliasInput{Name: "live", Weights: map[string]float64{"2": weights}}); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			if out, err := s.Invoke(t.Context(), InvokeInput{Function: "hello:live"}); err != nil || out.ExecutedVersion != want {
				t.Fatalf("weight %v: served by %s, %v", weights, out.ExecutedVersion, err)
			}
		}
	}
	for _, weights := range []map[string]float64{{"1": 0.1}, {"2": 1.5}, {"9": 0.1}, {"$LATEST": 0.1}, {"1": 0.1, "2": 0.1}} {
		if _, err := s.UpdateAlias(t.Context(), "hello", AliasInput{Name: "live", Weights: weights}); err == nil {
			t.Errorf("the weights %v are taken", weights)
		}
	}
	if got, err := s.UpdateAlias(t.Context(), "hello", AliasInput{Name: "live", Weights: map[string]float64{}}); err != nil || got.Weights != nil {
		t.Errorf("%+v %v", got, err)
	}
}

func TestListsOfVersions(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	c, _ := client(t, s)
	want := []string{"a:$LATEST"}
	in := hello(t, func(in *FunctionInput) { in.Name, in.Code.ZipFile = "a", script(t, "exit 1") })
	create(t, s, in)
	for n := 1; n <= 11; n++ {
		edition(n)(&in)
		if _, err := s.UpdateFunction(t.Context(), "a", in); err != nil {
			t.Fatal(err)
		}
		if _, err := s.PublishVersion(t.Context(), "a", PublishInput{}); err != nil {
			t.Fatal(err)
		}
		want = append(want, fmt.Sprintf("a:%d", n))
	}
	in.Name = "b"
	create(t, s, in)
	var got []string
	add := func(page []types.FunctionConfiguration) {
		for _, f := range page {
			got = append(got, (*f.FunctionArn)[strings.Index(*f.FunctionArn, "function:")+9:])
		}
	}
	for pages := sdk.NewListVersionsByFunctionPaginator(c, &sdk.ListVersionsByFunctionInput{FunctionName: aws.String("a"), MaxItems: aws.Int32(5)}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		add(page.Versions)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got = nil
	for pages := sdk.NewListFunctionsPaginator(c, &sdk.ListFunctionsInput{FunctionVersion: types.FunctionVersionAll, MaxItems: aws.Int32(5)}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		add(page.Functions)
	}
	if diff := cmp.Diff(append(want, "b:$LATEST"), got); diff != "" {
		t.Error(diff)
	}
	for _, alias := range []string{"x", "y"} {
		if _, err := s.CreateAlias(t.Context(), "a", AliasInput{Name: alias, Version: "2"}); err != nil {
			t.Fatal(err)
		}
	}
	list, err := c.ListAliases(t.Context(), &sdk.ListAliasesInput{FunctionName: aws.String("a"), FunctionVersion: aws.String("2")})
	if err != nil || len(list.Aliases) != 2 {
		t.Errorf("%+v %v", list, err)
	}
	list, err = c.ListAliases(t.Context(), &sdk.ListAliasesInput{FunctionName: aws.String("a"), FunctionVersion: aws.String("1")})
	if err != nil || len(list.Aliases) != 0 {
		t.Errorf("%+v %v", list, err)
	}
}

// TestPublishAndDryRun: what an update may do beside updating.
func TestPublishAndDryRun(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	c, _ := client(t, s)
	made, err := c.CreateFunction(t.Context(), &sdk.CreateFunctionInput{FunctionName: aws.String("f"), Role: aws.String("arn:aws:iam::0:role/r"), Handler: aws.String("h"),
		Runtime: types.RuntimeProvidedal2023, Code: &types.FunctionCode{ZipFile: script(t, "exit 1")}, Publish: true, EphemeralStorage: &types.EphemeralStorage{Size: aws.Int32(600)}})
	if err != nil || *made.Version != "1" || *made.EphemeralStorage.Size != 600 {
		t.Fatalf("%+v %v", made, err)
	}
	before, err := s.Function("f")
	if err != nil {
		t.Fatal(err)
	}
	update := &sdk.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ZipFile: script(t, "exit 2"), DryRun: true}
	dry, err := c.UpdateFunctionCode(t.Context(), update)
	if err != nil || *dry.CodeSha256 == before.CodeSHA256 {
		t.Errorf("%+v %v", dry, err)
	}
	if after, err := s.Function("f"); err != nil || after.CodeSHA256 != before.CodeSHA256 || after.RevisionID != before.RevisionID {
		t.Errorf("a dry run has changed the function: %+v %v", after, err)
	}
	update.DryRun, update.Publish, update.RevisionId = false, true, &before.RevisionID
	if got, err := c.UpdateFunctionCode(t.Context(), update); err != nil || *got.Version != "2" || *got.CodeSha256 != *dry.CodeSha256 {
		t.Errorf("%+v %v", got, err)
	}
	if got, err := c.UpdateFunctionCode(t.Context(), update); err == nil {
		t.Errorf("an old revision is taken: %+v", got)
	}
}

// TestPolicyOfAQualifier: a permission is of what it names.
func TestPolicyOfAQualifier(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	create(t, s, hello(t))
	if _, err := s.PublishVersion(t.Context(), "hello", PublishInput{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateAlias(t.Context(), "hello", AliasInput{Name: "live", Version: "1"}); err != nil {
		t.Fatal(err)
	}
	c, _ := client(t, s)
	in := &sdk.AddPermissionInput{FunctionName: aws.String("hello"), Qualifier: aws.String("live"), StatementId: aws.String("s"),
		Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("events.amazonaws.com")}
	added, err := c.AddPermission(t.Context(), in)
	if err != nil || !strings.Contains(*added.Statement, `:function:hello:live"`) {
		t.Fatalf("%+v %v", added, err)
	}
	for function, status := range map[string]int{"hello:live": 0, "hello:1": http.StatusForbidden, "hello": http.StatusForbidden} {
		_, err := s.Invoke(t.Context(), InvokeInput{Function: function, Principal: "events.amazonaws.com"})
		if got := err; status == 0 && got != nil || status != 0 && (got == nil || awsproto.From(got).Status != status) {
			t.Errorf("%s: %v, want %d", function, got, status)
		}
	}
	policy, err := c.GetPolicy(t.Context(), &sdk.GetPolicyInput{FunctionName: in.FunctionName, Qualifier: in.Qualifier})
	if err != nil {
		t.Fatal(err)
	}
	remove := &sdk.RemovePermissionInput{FunctionName: in.FunctionName, Qualifier: in.Qualifier, StatementId: in.StatementId, RevisionId: aws.String("other")}
	if _, err := c.RemovePermission(t.Context(), remove); err == nil {
		t.Error("an old revision is taken")
	}
	remove.RevisionId = policy.RevisionId
	if _, err := c.RemovePermission(t.Context(), remove); err != nil {
		t.Error(err)
	}
	in.Qualifier = aws.String("$LATEST")
	if _, err := c.AddPermission(t.Context(), in); err == nil {
		t.Error("$LATEST has got a policy")
	}
}
