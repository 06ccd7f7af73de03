//go:build !ephor_lambda

package shop

import (
	"encoding/json"
	"testing"

	"github.com/ephor-io/ephor"
)

// The function reads what the hook has put into the package.
func TestTheCatalogueIsInThePackage(t *testing.T) {
	t.Parallel()
	var a ephor.Archive
	if err := addCatalogue(t.Context(), nil, &a); err != nil {
		t.Fatal(err)
	}
	var prices map[string]int
	if err := json.Unmarshal(a.Files[catalogueFile], &prices); err != nil || prices["book"] == 0 {
		t.Errorf("%v, %v", prices, err)
	}
}
