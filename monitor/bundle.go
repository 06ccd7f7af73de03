package monitor

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
)

// MaxParameter is what a standard parameter of Systems Manager holds, which costs nothing.
//
// https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html
const MaxParameter = 4 << 10

// bundle is what the host's Grafana shows, as the pieces that stand in the stack: a checksum, then
// a gzipped tar in base64. It has
//
//	json/UID.json        each dashboard
//	alerting/ephor.json  the alert rules
//
// In parameters it is changed without a word to the machine, which looks every minute; the
// checksum tells it when all pieces are of one kind.
func bundle(g ephor.Grafana) ([]string, error) {
	boards, err := GrafanaDashboards(g)
	if err != nil {
		return nil, err
	}
	rules, err := Alerts(g)
	if err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, fmt.Errorf("packing the dashboards: %w", err)
	}
	t := tar.NewWriter(z)
	file := func(name string, text []byte) error {
		if err := t.WriteHeader(&tar.Header{Name: name, Mode: 0o640, Size: int64(len(text))}); err != nil {
			return err
		}
		_, err := t.Write(text)
		return err
	}
	for _, b := range boards {
		err = firstOf(err, file("json/"+b.UID+".json", b.JSON))
	}
	if err := firstOf(err, file("alerting/ephor.json", rules), t.Close(), z.Close()); err != nil {
		return nil, fmt.Errorf("packing the dashboards: %w", err)
	}
	text := base64.StdEncoding.EncodeToString(packed.Bytes())
	sum := sha256.Sum256([]byte(text))
	return cut(hex.EncodeToString(sum[:]) + text), nil
}

// cut makes pieces of a text that parameters can hold.
func cut(text string) (pieces []string) {
	for len(text) > 0 {
		n := min(len(text), MaxParameter)
		pieces, text = append(pieces, text[:n]), text[n:]
	}
	return pieces
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// bundled are the parameters that hold the bundle.
func bundled(pieces []string) map[string]cfn.Resource {
	return inParameters("Bundle", "bundle", "Dashboards and alerts of the monitoring host, packed.", pieces)
}

// inParameters are parameters under a path of the stack's that hold pieces, named so that they sort.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ssm-parameter.html
func inParameters(id, path, description string, pieces []string) map[string]cfn.Resource {
	resources := map[string]cfn.Resource{}
	for i, piece := range pieces {
		resources[fmt.Sprintf("%s%03d", id, i)] = cfn.Resource{
			Type: "AWS::SSM::Parameter",
			Properties: map[string]any{
				"Name":        cfn.Sub(fmt.Sprintf("/ephor/${AWS::StackName}/%s/%03d", path, i)),
				"Type":        "String",
				"Description": description,
				"Value":       piece,
			},
		}
	}
	return resources
}
