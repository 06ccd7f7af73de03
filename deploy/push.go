package deploy

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/ephor-io/ephor/internal/engine"
)

// image is the image's name and whether it is in the repository: by its digest then, and by its tag before.
func (d *Deployer) image(ctx context.Context, i *Image) (uri string, there bool, err error) {
	repository, err := d.repository(ctx, i.App)
	if err != nil || repository == "" {
		return repositoryName(i.App) + ":" + i.Tag, false, err
	}
	is, err := d.tagged(ctx, i.App, i.Tag)
	if err != nil || is == nil {
		return repository + ":" + i.Tag, false, err
	}
	return repository + "@" + aws.ToString(is.ImageDigest), true, nil
}

// Push puts an image into the application's repository, which it makes if missing, and returns its name there, by
// its digest. One that was built from the same is there already, and no engine is needed then. What fails is of
// type *engine.Error or *engine.NotFoundError where it is the engine's.
func (d *Deployer) Push(ctx context.Context, i *Image) (uri string, err error) {
	start := time.Now()
	repository, err := d.ready(ctx, i.App)
	if err != nil {
		return "", err
	}
	is, err := d.tagged(ctx, i.App, i.Tag)
	if err != nil {
		return "", err
	}
	cached := is != nil
	if !cached {
		if err := d.buildAndPush(ctx, i, repository); err != nil {
			return "", err
		}
		if is, err = d.tagged(ctx, i.App, i.Tag); err != nil {
			return "", err
		}
		if is == nil {
			return "", fmt.Errorf("the image %s:%s is not in its repository although it was pushed: somebody has deleted it", repository, i.Tag)
		}
	}
	uri = repository + "@" + aws.ToString(is.ImageDigest)
	if err := single(uri, aws.ToString(is.ImageManifestMediaType)); err != nil {
		// The tag cannot be given to another image, so it goes, or the next try would meet this one.
		return "", errors.Join(err, d.deleteImages(ctx, i.App, []types.ImageIdentifier{{ImageDigest: is.ImageDigest}}))
	}
	d.events(ImagePushed{URI: uri, Size: aws.ToInt64(is.ImageSizeInBytes), Cached: cached, Took: time.Since(start)})
	return uri, nil
}

// single refuses what Lambda would: a list of several images, even where it lists one and what is attested of it.
//
// https://docs.aws.amazon.com/lambda/latest/dg/images-create.html#images-reqs
func single(uri, mediaType string) error {
	switch mediaType {
	case "application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json":
		return fmt.Errorf("the image %s is a list of images (%s), and Lambda takes single ones: it was taken back; another engine may make one", uri, mediaType)
	}
	return nil
}

func (d *Deployer) buildAndPush(ctx context.Context, i *Image, repository string) (err error) {
	e, err := engine.Find(ctx, i.config.Engine)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "ephor-image-")
	if err != nil {
		return fmt.Errorf("image: making a folder for the build: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := i.layOut(dir); err != nil {
		return fmt.Errorf("image: laying out what it is built from: %w", err)
	}
	start := time.Now()
	d.events(ImageBuilding{Engine: e.Name, Platform: i.platform()})
	tag := repository + ":" + i.Tag
	err = e.Build(ctx, engine.Build{Context: dir, Dockerfile: filepath.Join(dir, filepath.Base(i.config.Dockerfile)), Platform: i.platform(), Tag: tag})
	if err != nil {
		return err
	}
	d.events(ImageBuilt{Engine: e.Name, Took: time.Since(start)})
	login, err := d.login(ctx, repository)
	if err != nil {
		return err
	}
	return e.Push(ctx, tag, login)
}

// login opens the account's registry, for 12 hours.
//
// https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html
func (d *Deployer) login(ctx context.Context, repository string) (engine.Login, error) {
	registry, _, _ := strings.Cut(repository, "/")
	out, err := d.ecr.GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{})
	if err != nil {
		return engine.Login{}, fmt.Errorf("asking for a login of the registry %s: %w", registry, err)
	}
	if len(out.AuthorizationData) != 1 {
		return engine.Login{}, fmt.Errorf("asking for a login of the registry %s: there are %d", registry, len(out.AuthorizationData))
	}
	text, err := base64.StdEncoding.DecodeString(aws.ToString(out.AuthorizationData[0].AuthorizationToken))
	user, password, ok := strings.Cut(string(text), ":")
	if err != nil || !ok {
		return engine.Login{}, fmt.Errorf("asking for a login of the registry %s: it is not base64 of USER:PASSWORD", registry)
	}
	return engine.Login{Registry: registry, User: user, Password: password}, nil
}

// imageCode is an image that is in the repository, REPOSITORY@DIGEST.
func (d *Deployer) imageCode(uri string) newCode {
	return newCode{
		of: func(code map[string]any) bool { return isImage(code) },
		has: func(ctx context.Context, function string) (bool, error) {
			out, err := d.lambda.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: &function})
			if err != nil {
				return false, fmt.Errorf("looking at function %s: %w", function, err)
			}
			return out.Code != nil && (aws.ToString(out.Code.ResolvedImageUri) == uri || aws.ToString(out.Code.ImageUri) == uri), nil
		},
		update: lambda.UpdateFunctionCodeInput{ImageUri: &uri},
	}
}
