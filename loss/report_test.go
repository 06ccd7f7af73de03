package loss_test

import (
	"testing"

	"github.com/ephor-io/ephor/loss"
)

func TestIsReport(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]bool{
		"REPORT RequestId: 5f0c\tDuration: 1.00 ms\tBilled Duration: 1 ms\tMemory Size: 128 MB\tMax Memory Used: 20 MB\t":                          true,
		`{"time":"2026-11-22T10:00:00.000Z","type":"platform.report","record":{"requestId":"5f0c","status":"success","metrics":{"durationMs":1}}}`: true,
		`{"time":"2026-11-22T10:00:00.000Z","type":"platform.start","record":{"requestId":"5f0c","version":"$LATEST"}}`:                            false,
		`{"message":"platform.report of REPORT RequestId: 5f0c"}`:                                                                                  false,
		`{"type":"platform.report"}`: false,
		`{"type":"platform.report"`:  false,
		"see REPORT RequestId: 5f0c": false,
		"END RequestId: 5f0c":        false,
		"":                           false,
	} {
		if got := loss.IsReport(line); got != want {
			t.Errorf("%s: %v", line, got)
		}
	}
}
