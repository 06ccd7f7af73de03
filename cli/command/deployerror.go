package command

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/ephor-io/ephor/deploy"
	"github.com/ephor-io/ephor/internal/engine"
)

// deployError makes the error of a deployment one that says what to do, without the SDK's words around what a service
// says.
func (p *program) deployError(t target, err error) error {
	var (
		gone   *deploy.InterruptedError
		more   *deploy.MoreThanCodeError
		stack  *deploy.StackError
		bucket *deploy.BucketError
		used   *deploy.InUseError
		kept   *deploy.ProtectedError
		none   *engine.NotFoundError
		failed *engine.Error
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &gone):
		return hinted(err, "the same command again, which waits for that and goes on; or status"+t.flags()+", which says how far it is")
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted; CloudFormation has nothing of it under way")
	case errors.As(err, &used):
		return hinted(err, p.releaseHint(t, used))
	case errors.As(err, &kept):
		return hinted(err, "if it may go after all: aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name "+kept.Stack+t.place())
	case errors.As(err, &more):
		return hinted(err, "the same without --fast")
	case errors.As(err, &stack):
		if t.name == targetLaptop {
			stack.Host = "" // an instance is a record there and has no log
		}
		if hint := stack.Hint(t.place()); hint != "" {
			return hinted(err, hint)
		}
		return err
	case errors.As(err, &bucket):
		return hinted(err, "aws s3api head-bucket --bucket "+bucket.Bucket+t.place()+", which tells more; another region or another name of the application has another bucket")
	case errors.As(err, &none):
		return hinted(err, "starting one of them or installing it: apt-get install buildah, brew install podman, https://docs.docker.com/engine/install")
	case errors.As(err, &failed) && strings.HasSuffix(failed.Command, "build"):
		return hinted(err, "mending what the last lines name, in the Dockerfile or its folder, and the same again")
	case errors.As(err, &failed):
		return hinted(err, "the same again, which builds nothing anew that the engine has kept; or another engine: --engine "+strings.Join(engine.Names(), "|"))
	}
	if told := p.trouble(t, err); told != err {
		return told
	}
	return &inServiceError{err}
}

// trouble puts a hint on the errors of calls whose remedy lies with whoever calls, and leaves others alone.
func (p *program) trouble(t target, err error) error {
	if t.name == targetLaptop {
		if unreachable(err) {
			return p.notRunning()
		}
		return err
	}
	var gone *net.OpError
	if errors.As(err, &gone) {
		return hinted(fmt.Errorf("AWS cannot be reached: %w", gone), "a look at the network and the proxy, at the region's name, and at AWS_ENDPOINT_URL, if that is set")
	}
	for codes, hint := range map[string]string{
		// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html and its like
		"ExpiredToken ExpiredTokenException RequestExpired":                                                                         "fresh credentials: aws sso login" + t.profileFlag() + ", or whatever gave these",
		"InvalidClientTokenId UnrecognizedClientException SignatureDoesNotMatch AuthFailure IncompleteSignature InvalidAccessKeyId": "other credentials: AWS does not know these; aws configure list" + t.profileFlag() + " says where they come from",
		"AccessDenied AccessDeniedException UnauthorizedOperation":                                                                  "credentials that may: aws sts get-caller-identity" + t.place() + " says whose these are",
	} {
		for code := range strings.FieldsSeq(codes) {
			if isCode(err, code) {
				return hinted(&serviceError{err}, hint)
			}
		}
	}
	return err
}
