package s3

import (
	"fmt"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// fail is an error in S3's words, as far as they are known:
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func fail(code string, status int, format string, args ...any) error {
	return &awsproto.Error{Code: code, Status: status, Message: fmt.Sprintf(format, args...)}
}

func noSuchBucket(name string) error {
	return fail("NoSuchBucket", 404, "The specified bucket does not exist: %s", name)
}

func noSuchKey(key string) error {
	return fail("NoSuchKey", 404, "The specified key does not exist: %s", key)
}

func noSuchUpload() error {
	return fail("NoSuchUpload", 404, "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
}

func preconditionFailed() error {
	return fail("PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold")
}

func notImplemented(what string) error {
	return fail("NotImplemented", 501, "%s is not implemented on the laptop", what)
}
