package monitor

import (
	"os"
	"strings"
	"testing"
)

func TestCost(t *testing.T) {
	t.Parallel()
	f := func(given map[string]string, want string) {
		t.Helper()
		c, err := CostOf(hello(), Values{Kept: given})
		if err != nil || c.String() != want {
			t.Errorf("%v: %v\n%s, want\n%s", given, err, c, want)
		}
	}
	f(nil, "about 21.61 dollars a month at list prices of us-east-1: t4g.small 12.26, disks 2.24, address 3.65, secrets 1.60, alarms 0.94, backups 0.92 for each GB in the store (1 is counted); up to 46.72 more in CPU credits if its processors never rest")
	f(map[string]string{"BackupDays": "14"},
		"about 22.26 dollars a month at list prices of us-east-1: t4g.small 12.26, disks 2.24, address 3.65, secrets 1.60, alarms 0.94, backups 1.56 for each GB in the store (1 is counted); up to 46.72 more in CPU credits if its processors never rest")
	f(map[string]string{"InstanceType": "m7g.large", "VolumeSize": "100", "BackupDays": "0"},
		"about 74.40 dollars a month at list prices of us-east-1: m7g.large 59.57, disks 8.64, address 3.65, secrets 1.60, alarms 0.94")
	f(map[string]string{"InstanceType": "x9g.large", "BackupDays": "0"},
		"about 8.43 dollars a month at list prices of us-east-1, and what a x9g.large costs: its price is not known here, disks 2.24, address 3.65, secrets 1.60, alarms 0.94")
	if _, err := CostOf(hello(), Values{Given: map[string]string{"VolumeSize": "big"}}); err == nil {
		t.Error("a volume of big GB was taken")
	}
	if _, err := CostOf(hello(), Values{Given: map[string]string{"BackupDays": "some"}}); err == nil {
		t.Error("backups of some days were taken")
	}
	quiet := hello()
	quiet.Alerts.HostSilence = -1
	if c, err := CostOf(quiet, Values{}); err != nil || !strings.Contains(c.String(), "alarms 0.74") {
		t.Errorf("without alarms: %v, %v", c, err)
	}
}

// TestCostIsThePages holds that docs/ says the same.
func TestCostIsThePages(t *testing.T) {
	t.Parallel()
	c, err := CostOf(hello(), Values{})
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../docs/monitoring-host.md")
	if err != nil {
		t.Fatal(err)
	}
	if sum := strings.TrimSpace(strings.Fields(c.String())[1]); !strings.Contains(string(page), "**"+sum+"**") {
		t.Errorf("docs/monitoring-host.md does not have the sum %s", sum)
	}
}
