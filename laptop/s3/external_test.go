package s3

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ephor-io/ephor/internal/awstest"
)

// environment is that of a program that shall talk to the endpoint and to nothing else.
func environment(t testing.TB, endpoint string) []string {
	return append(os.Environ(), "AWS_ENDPOINT_URL="+endpoint, "AWS_ACCESS_KEY_ID=id", "AWS_SECRET_ACCESS_KEY=secret", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_CONFIG_FILE="+filepath.Join(t.TempDir(), "none"), "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=")
}

func TestTheCLICopies(t *testing.T) {
	t.Parallel()
	cli := awstest.Program(t)
	s, server := serve(t)
	dir := t.TempDir()
	big := strings.Repeat("0123456789abcdef", 9<<20/16) // over 8 MB the CLI uploads in parts
	must(t, os.WriteFile(filepath.Join(dir, "big"), []byte(big), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "small ü"), []byte("small"), 0o600))
	run := func(args ...string) string {
		t.Helper()
		cmd := awstest.Command(t, cli, server.URL, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	run("s3", "mb", "s3://made")
	run("s3", "cp", "--recursive", ".", "s3://made/dir/")
	if read(t, s, "made", "dir/big", "") != big || read(t, s, "made", "dir/small ü", "") != "small" {
		t.Error("the upload is another")
	}
	if out := run("s3", "ls", "--recursive", "s3://made"); !strings.Contains(out, "dir/small ü") {
		t.Errorf("ls: %s", out)
	}
	run("s3", "cp", "s3://made/dir/big", "s3://made/copy")
	run("s3", "cp", "s3://made/copy", "down")
	if down, err := os.ReadFile(filepath.Join(dir, "down")); err != nil || string(down) != big {
		t.Errorf("the download is another: %v", err)
	}
	run("s3", "rb", "--force", "s3://made")
	if _, err := s.GetBucket("made"); err == nil {
		t.Error("the bucket is still there")
	}
}

func TestBoto3(t *testing.T) {
	t.Parallel()
	if exec.Command("python3", "-c", "import boto3").Run() != nil {
		t.Skip("boto3 is not installed: pip install boto3")
	}
	_, server := serve(t)
	cmd := exec.CommandContext(t.Context(), "python3", "-c", `
import boto3, io, gzip
from botocore.exceptions import ClientError
s3 = boto3.client("s3")
def code(f, **args):
    try:
        f(**args)
    except ClientError as e:
        return e.response["Error"]["Code"]
key = "a b/ü+%20"
s3.put_object(Bucket="bkt", Key=key, Body=b"hello", Metadata={"k": "v"}, ContentEncoding="x")
got = s3.get_object(Bucket="bkt", Key=key, ChecksumMode="ENABLED")
assert got["Body"].read() == b"hello" and got["Metadata"] == {"k": "v"} and got["ContentEncoding"] == "x", got
for algorithm in "CRC32", "SHA1", "SHA256":
    s3.put_object(Bucket="bkt", Key=key, Body=io.BytesIO(b"hello"), ChecksumAlgorithm=algorithm)
    assert s3.head_object(Bucket="bkt", Key=key, ChecksumMode="ENABLED")["Checksum" + algorithm]
data = b"x" * (9 << 20)
s3.upload_fileobj(io.BytesIO(data), "bkt", "big")
out = io.BytesIO()
s3.download_fileobj("bkt", "big", out)
assert out.getvalue() == data
keys = [o["Key"] for p in s3.get_paginator("list_objects_v2").paginate(Bucket="bkt", PaginationConfig={"PageSize": 1}) for o in p["Contents"]]
assert keys == [key, "big"], keys
assert [o["Key"] for o in s3.list_objects(Bucket="bkt")["Contents"]] == keys
assert code(s3.get_object, Bucket="bkt", Key="none") == "NoSuchKey"
assert code(s3.get_object, Bucket="nope", Key="none") == "NoSuchBucket"
assert code(s3.put_object, Bucket="bkt", Key=key, Body=b"", IfNoneMatch="*") == "PreconditionFailed"
assert code(s3.delete_bucket, Bucket="bkt") == "BucketNotEmpty"
s3.copy({"Bucket": "bkt", "Key": key}, "bkt", "copied")
url = s3.generate_presigned_url("get_object", Params={"Bucket": "bkt", "Key": key, "ResponseContentType": "text/x"})
import urllib.request
with urllib.request.urlopen(url) as r:
    assert r.read() == b"hello" and r.headers["Content-Type"] == "text/x"
gone = s3.delete_objects(Bucket="bkt", Delete={"Objects": [{"Key": k} for k in keys + ["copied", "none"]]})
assert len(gone["Deleted"]) == 4 and not gone.get("Errors"), gone
s3.delete_bucket(Bucket="bkt")
assert s3.list_buckets()["Buckets"] == []
`)
	cmd.Env = environment(t, server.URL)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
