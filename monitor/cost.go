package monitor

import (
	"fmt"
	"strings"
	"time"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/dashboard"
)

// Cost is what a monitoring host costs in a month of 730 hours in us-east-1, in dollars at AWS's list
// prices of November 2026. Other regions differ by a tenth or two, mostly upwards.
type Cost struct {
	// Type is the instance's; Instance is 0 where its price is not known here.
	Type                                      string
	Instance, Disks, Address, Secrets, Alarms float64
	// Backups are for each GB that one has.
	Backups float64
	// Surplus is what comes to it at most where the processors never rest, and no part of the sum.
	Surplus float64
}

// What a month has, and what things cost in it: see docs/monitoring-host.md.
const (
	hoursAMonth   = 730
	perGigabyte   = 0.08
	systemDisk    = 8 // GB, as host has it
	addressAnHour = 0.005
	perSecret     = 0.40
	perAlarm      = 0.10
	aliveAMonth   = 0.30 + hoursAMonth*60*0.01/1000 // one metric, said once a minute
	perBackedUp   = 0.023                           // dollars for a GB in S3 Standard; some thousand requests a month are less than a cent
)

// instancePrices are dollars an hour of the types that suit a host.
//
// https://aws.amazon.com/ec2/pricing/on-demand/
func instancePrices() map[string]float64 {
	return map[string]float64{
		"t4g.micro": 0.0084, "t4g.small": 0.0168, "t4g.medium": 0.0336, "t4g.large": 0.0672, "t4g.xlarge": 0.1344,
		"m7g.medium": 0.0408, "m7g.large": 0.0816, "m7g.xlarge": 0.1632, "m7g.2xlarge": 0.3264,
		"r7g.medium": 0.0536, "r7g.large": 0.1071, "r7g.xlarge": 0.2142, "r7g.2xlarge": 0.4284,
	}
}

// surplusAnHour is the most that an hour of a T4g costs beyond its price: 0.04 dollars for each processor's hour above the
// baseline. EC2 launches T4g as unlimited, unless the account says otherwise, and so it stays: standard ones are born
// without a credit, would boot at the baseline, and lose points when the load is highest. The template does not say unlimited,
// because for other families that is an error.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-performance-instances-unlimited-mode-concepts.html
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-credits-baseline-concepts.html
func surplusAnHour(kind string) float64 {
	const anHour = 0.04
	above := map[string]float64{ // processors times what is above the baseline
		"t4g.nano": 2 * 0.95, "t4g.micro": 2 * 0.9, "t4g.small": 2 * 0.8, "t4g.medium": 2 * 0.8,
		"t4g.large": 2 * 0.7, "t4g.xlarge": 4 * 0.6, "t4g.2xlarge": 8 * 0.6,
	}
	return anHour * above[kind]
}

// CostOf is what the host of g costs with these values of the template's parameters, defaults for
// those that are not given. A volume size that is no number is an error.
func CostOf(g ephor.Grafana, values Values) (Cost, error) {
	value := values.Of
	var gigabytes int
	if _, err := fmt.Sscanf(value(paramVolume), "%d", &gigabytes); err != nil {
		return Cost{}, fmt.Errorf("%s=%s: it is a number of GB", paramVolume, value(paramVolume))
	}
	c := Cost{Type: value(paramInstanceType), Disks: perGigabyte * float64(gigabytes+systemDisk), Address: addressAnHour * hoursAMonth, Secrets: perSecret * float64(len(secrets())),
		Alarms: aliveAMonth + perAlarm*float64(len(hostAlarms(g, "")))}
	var days int
	if _, err := fmt.Sscanf(value(ParamBackupDays), "%d", &days); err != nil {
		return Cost{}, fmt.Errorf("%s=%s: it is a number of days", ParamBackupDays, value(ParamBackupDays))
	}
	if days > 0 { // and what has expired is there a little longer
		c.Backups = perBackedUp * float64(days+noncurrentDays) * float64(24*time.Hour/dashboard.BackupEvery)
	}
	c.Instance = instancePrices()[c.Type] * hoursAMonth
	c.Surplus = surplusAnHour(c.Type) * hoursAMonth
	return c, nil
}

// Month is the sum, with backups of 1 GB.
func (c Cost) Month() float64 {
	return c.Instance + c.Disks + c.Address + c.Secrets + c.Alarms + c.Backups
}

// String is a line for people.
func (c Cost) String() string {
	var b strings.Builder
	if c.Instance == 0 {
		fmt.Fprintf(&b, "about %.2f dollars a month at list prices of us-east-1, and what a %s costs: its price is not known here", c.Month(), c.Type)
	} else {
		fmt.Fprintf(&b, "about %.2f dollars a month at list prices of us-east-1: %s %.2f", c.Month(), c.Type, c.Instance)
	}
	fmt.Fprintf(&b, ", disks %.2f, address %.2f, secrets %.2f, alarms %.2f", c.Disks, c.Address, c.Secrets, c.Alarms)
	if c.Backups > 0 {
		fmt.Fprintf(&b, ", backups %.2f for each GB in the store (1 is counted)", c.Backups)
	}
	if c.Surplus > 0 {
		fmt.Fprintf(&b, "; up to %.2f more in CPU credits if its processors never rest", c.Surplus)
	}
	return b.String()
}
