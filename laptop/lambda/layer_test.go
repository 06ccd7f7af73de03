package lambda

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

func layerZip(t *testing.T, files map[string]string) []byte {
	t.Helper()
	entries := map[string]file{}
	for name, text := range files {
		entries[name] = file{0o755, []byte(text)}
	}
	data, err := zipOf(entries)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func publishLayer(t *testing.T, s *Service, name string, files map[string]string) LayerVersion {
	t.Helper()
	v, err := s.PublishLayerVersion(t.Context(), LayerInput{Name: name, Content: Code{ZipFile: layerZip(t, files)}})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// optOf is what the environments of a function find as /opt.
func optOf(t *testing.T, s *Service, name string) string {
	t.Helper()
	f, err := s.lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rev.opt
}

func contains(t *testing.T, path, want string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s: %q, %v; want %q", path, got, err, want)
	}
}

// TestLayersAreMerged in order, and stay although they are deleted, also after a restart.
func TestLayersAreMerged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	one := publishLayer(t, s, "one", map[string]string{"bin/a": "a of one", "bin/both": "one", "turns": "a file"})
	two := publishLayer(t, s, "two", map[string]string{"bin/b": "b of two", "bin/both": "two", "turns/into": "a folder"})
	create(t, s, hello(t, func(in *FunctionInput) { in.Layers = []string{one.ARN, two.ARN} }))
	check := func() {
		t.Helper()
		opt := optOf(t, s, "hello")
		contains(t, filepath.Join(opt, "bin/a"), "a of one")
		contains(t, filepath.Join(opt, "bin/b"), "b of two")
		contains(t, filepath.Join(opt, "bin/both"), "two")
		contains(t, filepath.Join(opt, "turns/into"), "a folder")
		// The layers themselves are as they were.
		contains(t, filepath.Join(s.code.path(one.CodeSHA256), "bin/both"), "one")
		in := "/opt"
		if !s.spawner.namespaces.putsLayers() {
			in = opt
		}
		if got := call(t, s, `{"do":"variables"}`); !strings.Contains(string(got), filepath.Join(in, "bin")) {
			t.Errorf("no layer in PATH: %s", got)
		}
	}
	check()
	for _, v := range []LayerVersion{one, two} {
		if err := s.DeleteLayerVersion(v.Name, v.Version); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	s = open(t, Config{Dir: dir})
	check()
	// It keeps them through a change of something else, but nobody else can have them.
	if _, err := s.change(t.Context(), "hello", Code{}, sameLayers, func(f *Function) error { f.MemorySize = 256; return nil }); err != nil {
		t.Error(err)
	}
	check()
	_, err := s.CreateFunction(t.Context(), hello(t, func(in *FunctionInput) { in.Name, in.Layers = "late", []string{one.ARN} }))
	if err == nil || !strings.Contains(err.Error(), one.ARN) {
		t.Errorf("a layer that is deleted: %v", err)
	}
	if again := publishLayer(t, s, "one", map[string]string{"x": "y"}); again.Version != 2 {
		t.Errorf("version %d is given twice", again.Version)
	}
	if err := s.DeleteFunction(t.Context(), "hello"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the removal of what the function used", func() bool {
		s.code.mu.Lock()
		defer s.code.mu.Unlock()
		return len(s.code.refs) == 1
	})
}

func TestLayersAreRefused(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	var arns []string
	for n := range maxLayers + 1 {
		arns = append(arns, publishLayer(t, s, fmt.Sprint("layer", n), map[string]string{"f": fmt.Sprint(n)}).ARN)
	}
	again := publishLayer(t, s, "layer0", map[string]string{"f": "again"})
	f := func(what string, layers ...string) {
		t.Helper()
		_, err := s.CreateFunction(t.Context(), hello(t, func(in *FunctionInput) { in.Layers = layers }))
		if err == nil || awsproto.From(err).Code != "InvalidParameterValueException" || !strings.Contains(err.Error(), what) {
			t.Errorf("%v: %v, want %q", layers, err, what)
		}
	}
	f("more than 5", arns...)
	f("Two different versions", arns[0], again.ARN)
	f("does not exist", again.LayerARN+":9")
	f("one of its own", "arn:aws:lambda:eu-west-1:123456789012:layer:theirs:1")
	f("one of its own", "nonsense")

	// All files together may have 250 MB, those of the code included.
	half := bytes.Repeat([]byte{0}, maxUnzipped/2)
	for _, name := range []string{"big1", "big2"} {
		data, err := zipOf(map[string]file{name: {0o644, half}})
		if err != nil {
			t.Fatal(err)
		}
		sha, err := s.code.put(data) // past the limit of what is uploaded directly
		if err != nil {
			t.Fatal(err)
		}
		if err := s.layers.put(layer{Name: name, LastVersion: 1, Versions: []LayerVersion{{Name: name, Version: 1, ARN: s.layerARN(name) + ":1", CodeSHA256: sha}}}); err != nil {
			t.Fatal(err)
		}
	}
	f("exceeds the maximum allowed size", s.layerARN("big1")+":1", s.layerARN("big2")+":1")
}

func TestLayersOverTheWire(t *testing.T) {
	t.Parallel()
	s := open(t, Config{})
	c, _ := client(t, s)
	ctx := t.Context()
	name := aws.String("tools")
	for n := 1; n <= 3; n++ {
		out, err := c.PublishLayerVersion(ctx, &sdk.PublishLayerVersionInput{LayerName: name, Description: aws.String("d"), LicenseInfo: aws.String("MIT"),
			Content:            &types.LayerVersionContentInput{ZipFile: layerZip(t, map[string]string{"n": fmt.Sprint(n)})},
			CompatibleRuntimes: []types.Runtime{types.RuntimeProvidedal2023}, CompatibleArchitectures: []types.Architecture{types.ArchitectureArm64}})
		if err != nil || out.Version != int64(n) || *out.LayerArn != "arn:aws:lambda:us-east-1:000000000000:layer:tools" || out.Content.CodeSize == 0 {
			t.Fatalf("%+v %v", out, err)
		}
	}
	got, err := c.GetLayerVersion(ctx, &sdk.GetLayerVersionInput{LayerName: name, VersionNumber: aws.Int64(2)})
	if err != nil || *got.LicenseInfo != "MIT" || *got.CreatedDate == "" {
		t.Errorf("%+v %v", got, err)
	}
	byARN, err := c.GetLayerVersionByArn(ctx, &sdk.GetLayerVersionByArnInput{Arn: got.LayerVersionArn})
	if err != nil || *byARN.Content.CodeSha256 != *got.Content.CodeSha256 {
		t.Errorf("%+v %v", byARN, err)
	}
	var versions []int64
	for pages := sdk.NewListLayerVersionsPaginator(c, &sdk.ListLayerVersionsInput{LayerName: name, MaxItems: aws.Int32(2)}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range page.LayerVersions {
			versions = append(versions, v.Version)
		}
	}
	if fmt.Sprint(versions) != "[3 2 1]" {
		t.Errorf("listed %v", versions)
	}
	list, err := c.ListLayers(ctx, &sdk.ListLayersInput{CompatibleArchitecture: types.ArchitectureArm64})
	if err != nil || len(list.Layers) != 1 || list.Layers[0].LatestMatchingVersion.Version != 3 {
		t.Errorf("%+v %v", list, err)
	}
	list, err = c.ListLayers(ctx, &sdk.ListLayersInput{CompatibleArchitecture: types.ArchitectureX8664})
	if err != nil || len(list.Layers) != 0 {
		t.Errorf("%+v %v", list, err)
	}
	permission, err := c.AddLayerVersionPermission(ctx, &sdk.AddLayerVersionPermissionInput{LayerName: name, VersionNumber: aws.Int64(2),
		StatementId: aws.String("all"), Action: aws.String("lambda:GetLayerVersion"), Principal: aws.String("*")})
	if err != nil || !strings.Contains(*permission.Statement, `"Sid":"all"`) {
		t.Fatalf("%+v %v", permission, err)
	}
	policy, err := c.GetLayerVersionPolicy(ctx, &sdk.GetLayerVersionPolicyInput{LayerName: name, VersionNumber: aws.Int64(2)})
	if err != nil || *policy.RevisionId != *permission.RevisionId || !strings.Contains(*policy.Policy, "GetLayerVersion") {
		t.Errorf("%+v %v", policy, err)
	}
	if _, err := c.RemoveLayerVersionPermission(ctx, &sdk.RemoveLayerVersionPermissionInput{LayerName: name, VersionNumber: aws.Int64(2), StatementId: aws.String("all")}); err != nil {
		t.Error(err)
	}
	for range 2 { // the second time it is gone already
		if _, err := c.DeleteLayerVersion(ctx, &sdk.DeleteLayerVersionInput{LayerName: name, VersionNumber: aws.Int64(2)}); err != nil {
			t.Error(err)
		}
	}
	if _, err := c.GetLayerVersion(ctx, &sdk.GetLayerVersionInput{LayerName: name, VersionNumber: aws.Int64(2)}); err == nil {
		t.Error("it is still there")
	}
	made, err := c.CreateFunction(ctx, &sdk.CreateFunctionInput{FunctionName: aws.String("f"), Role: aws.String("arn:aws:iam::0:role/r"), Handler: aws.String("h"),
		Runtime: types.RuntimeProvidedal2023, Code: &types.FunctionCode{ZipFile: script(t, "exit 1")}, Layers: []string{*list0(t, c)}})
	if err != nil || len(made.Layers) != 1 || made.Layers[0].CodeSize == 0 {
		t.Fatalf("%+v %v", made, err)
	}
	none, err := c.UpdateFunctionConfiguration(ctx, &sdk.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), Layers: []string{}})
	if err != nil || len(none.Layers) != 0 || optOf(t, s, "f") != "" {
		t.Errorf("%+v %v", none, err)
	}
}

// list0 is the ARN of the newest version of the only layer.
func list0(t *testing.T, c *sdk.Client) *string {
	t.Helper()
	list, err := c.ListLayers(t.Context(), &sdk.ListLayersInput{})
	if err != nil || len(list.Layers) != 1 {
		t.Fatalf("%+v %v", list, err)
	}
	return list.Layers[0].LatestMatchingVersion.LayerVersionArn
}
