package ephor

import "fmt"

// validateMonitoring reports what is wrong with the dashboards and the alerts' thresholds.
func (a *App) validateMonitoring() []error {
	g, ok := a.Monitoring()
	if !ok {
		return nil
	}
	var errs []error
	titles := map[string]string{}
	for _, d := range g.Dashboards {
		if err := d.Validate(); err != nil {
			errs = append(errs, err)
			continue
		}
		uid := d.UID()
		if other, taken := titles[uid]; taken {
			errs = append(errs, fmt.Errorf("dashboard %q: its UID %s is that of %q: change one of the titles", d.Title, uid, other))
		}
		titles[uid] = d.Title
	}
	if err := g.Alerts.Validate(); err != nil {
		errs = append(errs, err)
	}
	return errs
}
