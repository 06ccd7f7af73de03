package lambda

import (
	"net/http"
	"strings"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

const metadataPath = "/2026-01-15/metadata/execution-environment"

// serveMetadata is Lambda's metadata endpoint, at the address of the Runtime API: see
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-metadata-endpoint.html. All environments
// are in the region's first zone.
func (e *environment) serveMetadata(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodGet:
		refuse(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "the metadata endpoint has no %s: GET reads", r.Method)
	case r.Header.Get("Authorization") != "Bearer "+e.metadataToken:
		refuse(w, http.StatusUnauthorized, "Unauthorized", "the header Authorization should be Bearer and the variable AWS_LAMBDA_METADATA_TOKEN")
	default:
		w.Header().Set("Cache-Control", "private, max-age=43200, immutable")
		// A process that has gone is noticed by its exit.
		_ = awsproto.WriteJSON(w, http.StatusOK, map[string]string{"AvailabilityZoneID": zoneID(e.function.service.cfg.Region)})
	}
}

// zoneID is the ID of a region's first zone: use1-az1 in us-east-1, apne2-az1 in ap-northeast-2. See
// https://docs.aws.amazon.com/global-infrastructure/latest/regions/az-ids.html
func zoneID(region string) string {
	parts := strings.Split(region, "-")
	id := parts[0]
	for _, part := range parts[1:] {
		switch part {
		case "northeast", "northwest", "southeast", "southwest":
			id += part[:1] + part[5:6]
		default: // a direction's first letter, and the number
			id += part[:min(1, len(part))]
		}
	}
	return id + "-az1"
}
