package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// repository is the address of an application's images, as in 111122223333.dkr.ecr.eu-central-1.amazonaws.com/ephor/shop,
// "" if there is none yet.
func (d *Deployer) repository(ctx context.Context, app string) (uri string, err error) {
	name := repositoryName(app)
	out, err := d.ecr.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{name}})
	var missing *types.RepositoryNotFoundException
	switch {
	case errors.As(err, &missing):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("looking for the repository %s: %w", name, err)
	case len(out.Repositories) != 1:
		return "", fmt.Errorf("looking for the repository %s: there are %d", name, len(out.Repositories))
	}
	return aws.ToString(out.Repositories[0].RepositoryUri), nil
}

// retrieval lets Lambda fetch images for the functions of the repository's own account.
//
// https://docs.aws.amazon.com/lambda/latest/dg/images-create.html#configuration-images-permissions
const retrieval = `{"Version": "2012-10-17", "Statement": [{"Sid": "LambdaECRImageRetrievalPolicy", "Effect": "Allow",
"Principal": {"Service": "lambda.amazonaws.com"}, "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]}]}`

// ready makes the repository if it is missing, and lets Lambda read it if nobody has said who may. A tag is
// never given to another image: it is a name for what the image was built from. Whether images are
// scanned is left to the registry, where ECR wants that said.
//
// https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html
func (d *Deployer) ready(ctx context.Context, app string) (uri string, err error) {
	name := repositoryName(app)
	if uri, err = d.repository(ctx, app); err != nil {
		return "", err
	}
	if uri == "" {
		out, err := d.ecr.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: &name, ImageTagMutability: types.ImageTagMutabilityImmutable})
		if err != nil {
			return "", fmt.Errorf("making the repository %s: %w", name, err)
		}
		uri = aws.ToString(out.Repository.RepositoryUri)
		d.events(RepositoryMade{Repository: uri})
	}
	_, err = d.ecr.GetRepositoryPolicy(ctx, &ecr.GetRepositoryPolicyInput{RepositoryName: &name})
	var missing *types.RepositoryPolicyNotFoundException
	if errors.As(err, &missing) {
		_, err = d.ecr.SetRepositoryPolicy(ctx, &ecr.SetRepositoryPolicyInput{RepositoryName: &name, PolicyText: aws.String(retrieval)})
	}
	if err != nil {
		return "", fmt.Errorf("letting Lambda read the repository %s: %w", name, err)
	}
	return uri, nil
}

// tagged is the image of a tag, nil if there is none.
func (d *Deployer) tagged(ctx context.Context, app, tag string) (*types.ImageDetail, error) {
	name := repositoryName(app)
	out, err := d.ecr.DescribeImages(ctx, &ecr.DescribeImagesInput{RepositoryName: &name, ImageIds: []types.ImageIdentifier{{ImageTag: &tag}}})
	var missing *types.ImageNotFoundException
	switch {
	case errors.As(err, &missing):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("looking for the image %s of %s: %w", tag, name, err)
	case len(out.ImageDetails) != 1:
		return nil, fmt.Errorf("looking for the image %s of %s: there are %d", tag, name, len(out.ImageDetails))
	}
	return &out.ImageDetails[0], nil
}

// images are all that the repository holds.
func (d *Deployer) images(ctx context.Context, app string) ([]types.ImageDetail, error) {
	name := repositoryName(app)
	var all []types.ImageDetail
	pages := ecr.NewDescribeImagesPaginator(d.ecr, &ecr.DescribeImagesInput{RepositoryName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the images of %s: %w", name, err)
		}
		all = append(all, page.ImageDetails...)
	}
	return all, nil
}

// PruneImages deletes the application's older images, all but the newest few and the one in use, REPOSITORY@DIGEST.
// A lifecycle policy of ECR's could not: it does not know which is in use, and a function whose image is gone fails
// when Lambda next fetches it.
//
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-images.html
func (d *Deployer) PruneImages(ctx context.Context, app, inUse string) error {
	all, err := d.images(ctx, app)
	if err != nil {
		return err
	}
	_, digest, _ := strings.Cut(inUse, "@")
	slices.SortStableFunc(all, func(a, b types.ImageDetail) int {
		return aws.ToTime(b.ImagePushedAt).Compare(aws.ToTime(a.ImagePushedAt))
	})
	kept := 1 // the one in use
	var old []types.ImageIdentifier
	for _, i := range all {
		switch {
		case aws.ToString(i.ImageDigest) == digest:
		case kept < keptArtifacts:
			kept++
		default:
			old = append(old, types.ImageIdentifier{ImageDigest: i.ImageDigest})
		}
	}
	return d.deleteImages(ctx, app, old)
}

// deleteImages deletes images for good, up to 100 in a call.
//
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchDeleteImage.html
func (d *Deployer) deleteImages(ctx context.Context, app string, ids []types.ImageIdentifier) error {
	name := repositoryName(app)
	for some := range slices.Chunk(ids, 100) {
		out, err := d.ecr.BatchDeleteImage(ctx, &ecr.BatchDeleteImageInput{RepositoryName: &name, ImageIds: some})
		if err != nil {
			return fmt.Errorf("deleting old images of %s: %w", name, err)
		}
		for _, f := range out.Failures {
			return fmt.Errorf("deleting old images of %s: %s: %s", name, f.FailureCode, aws.ToString(f.FailureReason))
		}
	}
	return nil
}

// Images is the repository of an application's images and what it holds, as in 5 images, 40 MB. The
// amount is "" if there is no such repository.
func (d *Deployer) Images(ctx context.Context, app string) (repository, amount string, err error) {
	uri, err := d.repository(ctx, app)
	if err != nil || uri == "" {
		return repositoryName(app), "", err
	}
	all, err := d.images(ctx, app)
	if err != nil {
		return uri, "", err
	}
	var size int64
	for _, i := range all {
		size += aws.ToInt64(i.ImageSizeInBytes)
	}
	return uri, fmt.Sprintf("%d images, %.1f MB", len(all), float64(size)/1e6), nil
}

// DeleteImages deletes an application's repository with every image in it. What is not there is deleted
// already. A function that has its code from there fails when Lambda next fetches it.
func (d *Deployer) DeleteImages(ctx context.Context, app string) error {
	name := repositoryName(app)
	_, err := d.ecr.DeleteRepository(ctx, &ecr.DeleteRepositoryInput{RepositoryName: &name, Force: true})
	var missing *types.RepositoryNotFoundException
	if errors.As(err, &missing) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("deleting the repository %s: %w", name, err)
	}
	d.events(RepositoryDeleted{Repository: name})
	return nil
}
