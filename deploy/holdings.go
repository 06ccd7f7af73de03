package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// Holding is something of a stack that cannot be made again from the source: it holds what others
// have put into it.
type Holding struct {
	Stack     string `json:"stack"`
	LogicalID string `json:"logicalId,omitempty"` // "" for what belongs to no stack, and stays
	Type      string `json:"type"`                // of the resource, as AWS::S3::Bucket
	ID        string `json:"id"`                  // the physical ID
	// Amount is what it holds, as in 3 objects, 1.2 MB; "" where that cannot be counted.
	Amount string `json:"amount,omitempty"`
	// Unknown is why the amount could not be asked for, if so.
	Unknown string `json:"unknown,omitempty"`
	// Stays says that it is there after the stack's deletion.
	Stays bool `json:"stays,omitempty"`
	// Blocks says that the deletion will fail: CloudFormation deletes no bucket that holds something.
	//
	// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
	Blocks bool `json:"blocks,omitempty"`
}

// holders are the types whose resources hold something, with what can be asked of them.
var holders = map[string]func(*Deployer, context.Context, *Holding) error{
	"AWS::S3::Bucket":                   (*Deployer).countObjects,
	"AWS::SQS::Queue":                   (*Deployer).countMessages,
	"AWS::Logs::LogGroup":               (*Deployer).measureLog,
	"AWS::SecretsManager::Secret":       nil,
	"AWS::SSM::Parameter":               nil,
	"AWS::EC2::Volume":                  nil,
	"AWS::DynamoDB::Table":              nil,
	"AWS::DynamoDB::GlobalTable":        nil,
	"AWS::RDS::DBInstance":              nil,
	"AWS::RDS::DBCluster":               nil,
	"AWS::EFS::FileSystem":              nil,
	"AWS::Kinesis::Stream":              nil,
	"AWS::ECR::Repository":              nil,
	"AWS::Cognito::UserPool":            nil,
	"AWS::KMS::Key":                     nil,
	"AWS::OpenSearchService::Domain":    nil,
	"AWS::Timestream::Table":            nil,
	"AWS::Timestream::InfluxDBInstance": nil,
}

// Holdings are what the deletion of stacks takes with it or leaves behind, in the order of the stacks
// and of their logical IDs, and the logs of their functions, which belong to no stack unless a template
// says so. A stack that is not there has none. What may not be asked for, or does not answer, is told in
// Unknown; an error is one of CloudFormation's.
func (d *Deployer) Holdings(ctx context.Context, stacks ...string) ([]Holding, error) {
	var all []Holding
	for _, stack := range stacks {
		of, err := d.holdings(ctx, stack)
		if err != nil {
			return nil, err
		}
		all = append(all, of...)
	}
	return all, nil
}

func (d *Deployer) holdings(ctx context.Context, stack string) ([]Holding, error) {
	is, err := d.describe(ctx, stack)
	if err != nil || is == nil || is.StackStatus == types.StackStatusReviewInProgress {
		return nil, err // without a change set that was executed it has neither resources nor a template
	}
	resources, err := d.resources(ctx, stack)
	if err != nil {
		return nil, err
	}
	keeps, err := d.keeps(ctx, stack)
	if err != nil {
		return nil, err
	}
	var all []Holding
	var logs []Holding // of the functions
	for _, r := range resources {
		h := Holding{Stack: stack, LogicalID: aws.ToString(r.LogicalResourceId), Type: aws.ToString(r.ResourceType), ID: aws.ToString(r.PhysicalResourceId)}
		count, holds := holders[h.Type]
		switch {
		case h.ID == "" || r.ResourceStatus == types.ResourceStatusDeleteComplete:
			continue
		case h.Type == "AWS::Lambda::Function":
			logs = append(logs, Holding{Stack: stack, Type: "AWS::Logs::LogGroup", ID: "/aws/lambda/" + h.ID, Stays: true})
			continue
		case !holds:
			continue
		}
		h.Stays = keeps(h.LogicalID)
		if count != nil {
			if err := count(d, ctx, &h); err != nil {
				h.Unknown = err.Error()
			}
		}
		h.Blocks = h.Blocks && !h.Stays
		all = append(all, h)
	}
	for _, h := range logs {
		if slices.ContainsFunc(all, func(other Holding) bool { return other.Type == h.Type && other.ID == h.ID }) {
			continue // it is a resource of the stack
		}
		if err := d.measureLog(ctx, &h); err != nil {
			h.Unknown = err.Error()
		} else if h.Amount == "" {
			continue // it has never been invoked
		}
		all = append(all, h)
	}
	return all, ctx.Err()
}

// resources are a stack's, by their logical IDs.
func (d *Deployer) resources(ctx context.Context, stack string) ([]types.StackResourceSummary, error) {
	var all []types.StackResourceSummary
	pages := cloudformation.NewListStackResourcesPaginator(d.cloudformation, &cloudformation.ListStackResourcesInput{StackName: &stack})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the resources of stack %s: %w", stack, err)
		}
		all = append(all, page.StackResourceSummaries...)
	}
	slices.SortFunc(all, func(a, b types.StackResourceSummary) int {
		return strings.Compare(aws.ToString(a.LogicalResourceId), aws.ToString(b.LogicalResourceId))
	})
	return all, nil
}

// keeps tells which resources stay, by the template that is deployed. Snapshots are told as no stay:
// the resource itself goes.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
func (d *Deployer) keeps(ctx context.Context, stack string) (func(id string) bool, error) {
	out, err := d.cloudformation.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &stack, TemplateStage: types.TemplateStageOriginal})
	if err != nil {
		return nil, fmt.Errorf("reading the template of stack %s: %w", stack, err)
	}
	var t struct {
		Resources map[string]struct{ DeletionPolicy string }
	}
	if err := json.Unmarshal([]byte(aws.ToString(out.TemplateBody)), &t); err != nil {
		return nil, fmt.Errorf("reading the template of stack %s: %w", stack, err)
	}
	return func(id string) bool {
		policy := t.Resources[id].DeletionPolicy
		return policy == "Retain" || policy == "RetainExceptOnCreate"
	}, nil
}
