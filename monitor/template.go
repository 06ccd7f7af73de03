package monitor

import (
	"fmt"
	"maps"
	"slices"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
)

// Database is the store's database.
const Database = "ephor"

// The ports of the host, each the one its users already know.
const (
	StorePort   = 8086
	GrafanaPort = 3000
)

// Template is the monitoring stack: one EC2 host with an address that stays, its role, its
// secrets, and a wait condition that holds the stack back until the host says it is ready.
//
// What it exports, as <stack>-<name>: StoreURL, StoreDatabase, StoreCA, StoreSecret (the ARN of the
// secret that functions write with; never the secret) and GrafanaURL. An export cannot change
// while it is imported, so all of them come from what outlives the host. Each dashboard has an
// output of its own, which is not exported.
//
// It panics where Dashboards or Alerts have an error: ephor.App.Validate reports the same.
func Template(g ephor.Grafana) cfn.Template {
	pieces, err := bundle(g)
	if err != nil {
		panic("monitor: " + err.Error())
	}
	handle, ready, script, err := hostNames()
	if err != nil {
		panic("monitor: " + err.Error())
	}
	t := cfn.Template{
		AWSTemplateFormatVersion: cfn.FormatVersion,
		Description:              "Ephor: the store of an application's metrics, and Grafana in front of it.",
		// The attribute Data of a wait condition is text, a JSON object; its schema calls it an
		// object, so cfn-lint refuses even the documentation's example of an output.
		Metadata:   map[string]any{"cfn-lint": map[string]any{"config": map[string]any{"ignore_checks": []any{"E6101"}}}},
		Parameters: parameters(),
		Conditions: map[string]any{zoneGiven: given(paramZone), imageKept: given(ParamKeepImage), backupOn: notEqual(ParamBackupDays, "0"), restoreGiven: given(paramRestoreFrom)},
		Resources:  map[string]cfn.Resource{},
		Outputs:    outputs(g, ready),
	}
	parameters := bundled(pieces)
	whole, err := scriptParameters()
	if err != nil {
		panic("monitor: " + err.Error())
	}
	maps.Copy(parameters, whole)
	for _, group := range []map[string]cfn.Resource{secrets(), network(), identity(), disk(), backups(), parameters, host(script, slices.Sorted(maps.Keys(parameters))), waiting(handle, ready)} {
		for id, r := range group {
			t.Resources[id] = r
		}
	}
	return t
}

// given is the condition that a parameter is not empty.
func given(parameter string) any { return notEqual(parameter, "") }

func notEqual(parameter, value string) any {
	return map[string]any{"Fn::Not": []any{map[string]any{"Fn::Equals": []any{cfn.Ref(parameter), value}}}}
}

// The stack's parameters. None has to be given.
const (
	paramInstanceType = "InstanceType"
	paramImage        = "ImageId"
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

// cidr has no room for a prefix of 0 bits, so no slip opens a port to the whole world. Only the
// writers' parameter takes 0.0.0.0/0 beside it, in that one spelling: whoever needs it means it.
const (
	octet = `(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])`
	quad  = octet + `(\.` + octet + `){3}`
	cidr  = quad + `/([1-9]|[12][0-9]|3[0-2])`
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
		paramImage: {
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
			Type:           "String",
			Default:        "",
			Description:    "The availability zone of host and volume; empty takes the region's first. It cannot change while the volume is kept.",
			AllowedPattern: `^([a-z]{2}(-[a-z]+)+-[0-9]+[a-z])?$`,
		},
		// As the vendors' repositories call them.
		// https://docs.influxdata.com/influxdb/v1/about_the_project/release-notes/
		// https://grafana.com/docs/grafana/latest/whatsnew/
		paramInfluxDB:   version("1.13.1-1", "InfluxDB 1.x"),
		paramGrafana:    version("13.2.3", "Grafana"),
		paramRawDays:    days("7", "every single point"),
		paramRollupDays: days(rollupDays, "sums and percentiles of 10 seconds and of a minute"),
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
			Default:               "127.0.0.1/32",
			Description:           "Who may open Grafana, e.g. 203.0.113.7/32. The default is nobody.",
			AllowedPattern:        "^" + cidr + "$",
			ConstraintDescription: "must be an IPv4 range such as 203.0.113.7/32, and not the whole world",
		},
		ParamWriters: {
			Type:                  "String",
			Default:               "127.0.0.1/32",
			Description:           "Who may write to the store: for functions in a VPC the range of their NAT gateways' addresses, e.g. 203.0.113.7/32. Functions outside a VPC come from any of AWS's addresses and need 0.0.0.0/0; TLS and a credential that can only write guard the port then. The default is nobody.",
			AllowedPattern:        `^(0\.0\.0\.0/0|` + cidr + `)$`,
			ConstraintDescription: "must be an IPv4 range such as 203.0.113.7/32, or 0.0.0.0/0 for the whole world",
		},
	}
}

// version is pinned: a host that is born again is the same.
func version(pinned, of string) cfn.Parameter {
	return cfn.Parameter{
		Type:           "String",
		Default:        pinned,
		Description:    "The version of " + of + ", as its vendor's repository for Debian calls it.",
		AllowedPattern: `^[0-9][0-9A-Za-z.+~:-]*$`,
	}
}

func days(number, of string) cfn.Parameter {
	return cfn.Parameter{
		Type:                  "String",
		Default:               number,
		Description:           "For how many days the store keeps " + of + ".",
		AllowedPattern:        `^[1-9][0-9]{0,3}$`,
		ConstraintDescription: "must be 1 to 9999",
	}
}

// secrets are generated by Secrets Manager and appear nowhere else: functions get the writer's by
// dynamic reference, the host reads them with its role.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-secret.html
func secrets() map[string]cfn.Resource {
	generated := func(user, description string) cfn.Resource {
		return cfn.Resource{
			Type: "AWS::SecretsManager::Secret",
			Properties: map[string]any{
				"Description": description,
				"GenerateSecretString": map[string]any{
					"SecretStringTemplate": fmt.Sprintf(`{"username":%q}`, user),
					"GenerateStringKey":    "password",
					"PasswordLength":       40,
					// The password stands in URLs, in shell and after "writer:".
					"ExcludePunctuation": true,
				},
			},
		}
	}
	return map[string]cfn.Resource{
		"WriterSecret":  generated("writer", "What functions write to the store with."),
		"ReaderSecret":  generated("reader", "What Grafana reads the store with."),
		"AdminSecret":   generated("admin", "The store's administrator."),
		"GrafanaSecret": generated("admin", "Grafana's administrator."),
	}
}
