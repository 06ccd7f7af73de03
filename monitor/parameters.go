package monitor

import (
	"fmt"

	"github.com/ephor-io/ephor/cfn"
)

// The stack's parameters. None has to be given.
const (
	paramInstanceType = "InstanceType"
	// ParamImage names the image of a new host.
	ParamImage = "ImageId"
	// ParamKeepImage is the image that a host has and goes on with, whatever ImageId names by then.
	ParamKeepImage = "KeepImage"
	paramVolume    = "VolumeSize"
	// ParamAllowed says who may open Grafana; by default that is nobody.
	ParamAllowed    = "AllowedCIDR"
	paramZone       = "Zone"
	paramInfluxDB   = "InfluxDBVersion"
	paramGrafana    = "GrafanaVersion"
	paramRawDays    = "RawDays"
	paramRollupDays = "RollupDays"
	// ParamBackupDays is for how many days a backup is kept; "0" makes none.
	ParamBackupDays  = "BackupDays"
	paramRestoreFrom = "RestoreFrom"
	// ParamWriters says who may write to the store; by default that is nobody.
	ParamWriters = "WritersCIDR"
)

// rollupDays is for how many days rollups are kept, unless a parameter says otherwise.
const rollupDays = "90"

// leastRollupDays is how long rollups are kept at least: as long as one of their shards is, or InfluxDB refuses the
// retention policy.
const leastRollupDays = 7

// Nobody is the range that opens a port to nobody.
const Nobody = "127.0.0.1/32"

// cidr has no room for a prefix of less than 8 bits, so no slip opens a port to the whole world, nor a few of them to its
// halves. Only the writers' parameter takes 0.0.0.0/0 beside it, in that one spelling: whoever needs it means it.
const (
	octet = `(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])`
	quad  = octet + `(\.` + octet + `){3}`
	cidr  = quad + `/([89]|[12][0-9]|3[0-2])`
)

func parameters() map[string]cfn.Parameter {
	return map[string]cfn.Parameter{
		paramInstanceType: {
			Type:                  "String",
			Default:               "t4g.small",
			Description:           "The host's type. The image is for arm64, so it is one of the Graviton families.",
			AllowedPattern:        `^[a-z]+[0-9]+g[a-z]*\.[a-z0-9]+$`,
			ConstraintDescription: "must be a Graviton type, such as t4g.small or m7g.large",
		},
		// Debian publishes the IDs of its images in every region under these public parameters:
		// https://wiki.debian.org/Cloud/AmazonEC2Image
		// The type is CloudFormation's own:
		// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/parameters-section-structure.html
		ParamImage: {
			Type:        "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>",
			Default:     "/aws/service/debian/release/13/latest/arm64",
			Description: "The public parameter that names the host's image: Debian for arm64.",
		},
		ParamKeepImage: {
			Type:                  "String",
			Default:               "",
			Description:           "The ID of the image that the host has: with it the host is not replaced when ImageId names another. Empty takes what ImageId names now. provision sets it.",
			AllowedPattern:        `^(ami-[0-9a-f]+)?$`,
			ConstraintDescription: "must be an image's ID, such as ami-0123456789abcdef0, or empty",
		},
		paramVolume: {
			Type:                  "String",
			Default:               "20",
			Description:           "The size in GB of the volume that holds what is measured.",
			AllowedPattern:        `^([89]|[1-9][0-9]{1,3})$`,
			ConstraintDescription: "must be 8 to 9999",
		},
		paramZone: {
			Type:                  "String",
			Default:               "",
			Description:           "The availability zone of host and volume; empty takes the region's first. It cannot change while the volume is kept.",
			AllowedPattern:        `^([a-z]{2}(-[a-z]+)+-[0-9]+[a-z])?$`,
			ConstraintDescription: "must be an availability zone, such as eu-central-1a, or empty",
		},
		// As the vendors' repositories call them.
		// https://docs.influxdata.com/influxdb/v1/about_the_project/release-notes/
		// https://grafana.com/docs/grafana/latest/whatsnew/
		paramInfluxDB:   version("1.13.1-1", "InfluxDB 1.x"),
		paramGrafana:    version("13.2.3", "Grafana"),
		paramRawDays:    days("7", "every single point", 1),
		paramRollupDays: days(rollupDays, "sums and percentiles of 10 seconds and of a minute", leastRollupDays),
		ParamBackupDays: {
			Type:                  "String",
			Default:               "7",
			Description:           "For how many days a backup of the store, of which one is made every six hours, is kept in S3. 0 makes none, and those that there are stay.",
			AllowedPattern:        `^(0|[1-9][0-9]{0,3})$`,
			ConstraintDescription: "must be 0 to 9999",
		},
		paramRestoreFrom: {
			Type:                  "String",
			Default:               "",
			Description:           "The bucket of another stack, of this region, with whose newest backup a host begins whose volume is empty and whose own bucket has none.",
			AllowedPattern:        `^([a-z0-9][a-z0-9-]{1,61}[a-z0-9])?$`,
			ConstraintDescription: "must be the name of a bucket, or empty",
		},
		ParamAllowed: {
			Type:                  "String",
			Default:               Nobody,
			Description:           "Who may open Grafana, e.g. 203.0.113.7/32. The default is nobody.",
			AllowedPattern:        "^" + cidr + "$",
			ConstraintDescription: "must be an IPv4 range such as 203.0.113.7/32, and not the whole world",
		},
		ParamWriters: {
			Type:                  "String",
			Default:               Nobody,
			Description:           "Who may write to the store: for functions in a VPC the range of their NAT gateways' addresses, e.g. 203.0.113.7/32. Functions outside a VPC come from any of AWS's addresses and need 0.0.0.0/0; TLS and a credential that can only write guard the port then. The default is nobody.",
			AllowedPattern:        `^(0\.0\.0\.0/0|` + cidr + `)$`,
			ConstraintDescription: "must be an IPv4 range such as 203.0.113.7/32, or 0.0.0.0/0 for the whole world",
		},
	}
}

// version is pinned: a host that is born again is the same.
func version(pinned, of string) cfn.Parameter {
	return cfn.Parameter{
		Type:                  "String",
		Default:               pinned,
		Description:           "The version of " + of + ", as its vendor's repository for Debian calls it.",
		AllowedPattern:        `^[0-9][0-9A-Za-z.+~:-]*$`,
		ConstraintDescription: "must be a version as the repository calls it, such as " + pinned,
	}
}

// days are at least as many as are said, of which there is one digit.
func days(number, of string, least int) cfn.Parameter {
	return cfn.Parameter{
		Type:                  "String",
		Default:               number,
		Description:           "For how many days the store keeps " + of + ".",
		AllowedPattern:        fmt.Sprintf(`^([%d-9]|[1-9][0-9]{1,3})$`, least),
		ConstraintDescription: fmt.Sprintf("must be %d to 9999", least),
	}
}
