package lambda

import (
	"strings"
	"testing"
)

func TestMetadata(t *testing.T) {
	t.Parallel()
	s := open(t, Config{Region: "eu-west-3"})
	create(t, s, hello(t))
	for text, want := range map[string]string{
		`curl -s -i -H "Authorization: Bearer $AWS_LAMBDA_METADATA_TOKEN" http://$AWS_LAMBDA_METADATA_API` + metadataPath: `{"AvailabilityZoneID":"euw3-az1"}`,
		`curl -s -i -H "Authorization: Bearer $AWS_LAMBDA_METADATA_TOKEN" http://$AWS_LAMBDA_RUNTIME_API` + metadataPath:  "max-age=43200, immutable",
		`curl -s -i -H "Authorization: Bearer x" http://$AWS_LAMBDA_METADATA_API` + metadataPath:                          "401 Unauthorized",
		`curl -s -i http://$AWS_LAMBDA_METADATA_API` + metadataPath:                                                       "401 Unauthorized",
		`curl -s -i -X PUT http://$AWS_LAMBDA_METADATA_API` + metadataPath:                                                "405 Method Not Allowed",
	} {
		out := shell(t, s, text)
		if strings.Contains(out, "curl: not found") {
			t.Skip("curl is not installed: apt-get install curl")
		}
		if !strings.Contains(out, want) {
			t.Errorf("%s: %s, not %s", text, out, want)
		}
	}
}

func TestZoneID(t *testing.T) {
	t.Parallel()
	for region, want := range map[string]string{"us-east-1": "use1-az1", "us-west-2": "usw2-az1", "ap-northeast-2": "apne2-az1", "ap-southeast-1": "apse1-az1",
		"ap-south-1": "aps1-az1", "eu-central-1": "euc1-az1", "cn-northwest-1": "cnnw1-az1", "us-gov-east-1": "usge1-az1", "sa-east-1": "sae1-az1"} {
		if got := zoneID(region); got != want {
			t.Errorf("%s: %s, want %s", region, got, want)
		}
	}
}
