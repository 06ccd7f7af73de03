package cfn_test

import (
	"encoding/json"
	"os"

	"github.com/ephor-io/ephor/cfn"
)

func ExampleTemplate() {
	t := cfn.Template{
		AWSTemplateFormatVersion: cfn.FormatVersion,
		Parameters:               map[string]cfn.Parameter{"Retention": {Type: "Number", Default: 7, MinValue: 1}},
		Resources: map[string]cfn.Resource{
			"Files": {Type: "AWS::S3::Bucket", DeletionPolicy: "Retain"},
		},
		Outputs: map[string]cfn.Output{
			"Bucket": {Value: cfn.Ref("Files"), Export: &cfn.Export{Name: cfn.Sub("${AWS::StackName}-Bucket")}},
		},
	}
	e := json.NewEncoder(os.Stdout)
	e.SetIndent("", "  ")
	if err := e.Encode(t); err != nil {
		panic(err)
	}
	// Output:
	// {
	//   "AWSTemplateFormatVersion": "2010-09-09",
	//   "Parameters": {
	//     "Retention": {
	//       "Type": "Number",
	//       "Default": 7,
	//       "MinValue": 1
	//     }
	//   },
	//   "Resources": {
	//     "Files": {
	//       "Type": "AWS::S3::Bucket",
	//       "DeletionPolicy": "Retain"
	//     }
	//   },
	//   "Outputs": {
	//     "Bucket": {
	//       "Value": {
	//         "Ref": "Files"
	//       },
	//       "Export": {
	//         "Name": {
	//           "Fn::Sub": "${AWS::StackName}-Bucket"
	//         }
	//       }
	//     }
	//   }
	// }
}
