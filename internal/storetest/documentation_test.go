package storetest_test

import (
	"os"
	"strings"
	"testing"

	"github.com/ephor-io/ephor/internal/storetest"
)

// The query that is tried on every store is the one that the documentation has.
func TestTheDocumentedQuery(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/loss.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "```sql\n"+storetest.LossQuery+"\n```") {
		t.Errorf("docs/loss.md does not have\n%s", storetest.LossQuery)
	}
}
