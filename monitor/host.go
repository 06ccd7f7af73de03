package monitor

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/ephor-io/ephor/cfn"
)

// zoneGiven is the condition that the stack's owner has chosen an availability zone.
const zoneGiven = "ZoneGiven"

// imageKept is the condition that the host keeps its image.
const imageKept = "ImageKept"

// image is the host's. What ImageId names is another every few weeks, which would replace the host at the
// next update, whatever that is about.
func image() any {
	return map[string]any{"Fn::If": []any{imageKept, cfn.Ref(ParamKeepImage), cfn.Ref(ParamImage)}}
}

// zone is where the host and its volume stand, which have to stand together. The first of the
// region's zones stays the same for an account.
func zone() any {
	return map[string]any{"Fn::If": []any{zoneGiven, cfn.Ref(paramZone), cfn.Select(0, map[string]any{"Fn::GetAZs": ""})}}
}

// disk holds what is measured, Grafana's database and the certificate authority's key. It is no
// part of the host, which can be replaced; it stays when the stack goes, too, and has to be deleted
// by hand then. Only a stack that never came to be takes it along.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-volume.html
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
func disk() map[string]cfn.Resource {
	return map[string]cfn.Resource{
		"DataVolume": {
			Type:                "AWS::EC2::Volume",
			DeletionPolicy:      "RetainExceptOnCreate",
			UpdateReplacePolicy: "Retain",
			Properties: map[string]any{
				"AvailabilityZone": zone(),
				"Encrypted":        true,
				"VolumeType":       "gp3",
				"Size":             cfn.Ref(paramVolume),
				"Tags":             []any{map[string]any{"Key": "Name", "Value": cfn.Sub("${AWS::StackName}-data")}},
			},
		},
	}
}

// HostResource is the logical ID of the instance.
const HostResource = "Host"

// host is the instance. It stands in the default VPC. Its user data is run at every boot, and a
// change of it restarts the machine instead of replacing it.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-instance.html
func host(script string, needs []string) map[string]cfn.Resource {
	return map[string]cfn.Resource{
		HostResource: {
			Type:      "AWS::EC2::Instance",
			DependsOn: needs,
			Properties: map[string]any{
				"ImageId":            image(),
				"InstanceType":       cfn.Ref(paramInstanceType),
				"AvailabilityZone":   zone(),
				"IamInstanceProfile": cfn.Ref("HostProfile"),
				"SecurityGroupIds":   []any{cfn.GetAtt("HostSecurityGroup", "GroupId")},
				// IMDSv2 alone, and no hop further than the host itself.
				"MetadataOptions": map[string]any{
					"HttpEndpoint":            "enabled",
					"HttpTokens":              "required",
					"HttpPutResponseHopLimit": 1,
				},
				// The system's own disk. What is worth keeping is on the DataVolume.
				"BlockDeviceMappings": []any{map[string]any{
					"DeviceName": "/dev/xvda",
					"Ebs": map[string]any{
						"Encrypted":           true,
						"VolumeType":          "gp3",
						"VolumeSize":          "8",
						"DeleteOnTermination": true,
					},
				}},
				"UserData": cfn.Base64(cfn.Sub(script)),
				"Tags": []any{
					map[string]any{"Key": "Name", "Value": cfn.Sub("${AWS::StackName}")},
					map[string]any{"Key": tagStack, "Value": cfn.Ref("AWS::StackId")},
				},
			},
		},
	}
}

// hostNames are the logical IDs of what the stack waits with, and the user data, which has the
// first in it. A wait condition waits once in its life, and there is no update of it; so they are called after all
// that the host acts on when it boots, the script and the values of parameters. Then the update that changes one of
// them waits for the host, too, and is rolled back where that cannot do as it is told: a version that there is not, a
// disk that is full.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-waitconditionhandle.html
func hostNames(values Values) (handle, ready, script string, err error) {
	if script, err = userData("HostReadyHandle"); err != nil {
		return "", "", "", err
	}
	of := sha256.New()
	fmt.Fprintf(of, "%s\n", script)
	for _, name := range booted() {
		fmt.Fprintf(of, "%s=%q\n", name, values.Of(name))
	}
	suffix := strings.ToUpper(hex.EncodeToString(of.Sum(nil)[:4]))
	handle, ready = "HostReadyHandle"+suffix, "HostReady"+suffix
	if script, err = userData(handle); err != nil {
		return "", "", "", err
	}
	if len(script) > MaxUserData-maxResolved {
		err = fmt.Errorf("the user data have %d bytes, of which EC2 takes %d", len(script), MaxUserData)
	}
	return handle, ready, script, err
}

// maxResolved is by how much user data may grow when CloudFormation puts in what stands between
// ${ and }: five ARNs, the address to signal to, names.
const maxResolved = 2 << 10

// waiting holds the stack back until the host has signalled.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-waitcondition.html
func waiting(handle, ready string) map[string]cfn.Resource {
	return map[string]cfn.Resource{
		handle: {Type: "AWS::CloudFormation::WaitConditionHandle"},
		ready: {
			Type:      "AWS::CloudFormation::WaitCondition",
			DependsOn: []string{"Host", "HostAddressAssociation"},
			Properties: map[string]any{
				"Handle":  cfn.Ref(handle),
				"Timeout": "1800",
				"Count":   1,
			},
		},
	}
}
