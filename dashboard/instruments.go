package dashboard

import "strings"

// Shows reports whether any panel asks for a measurement.
func Shows(panels []Panel, measurement string) bool {
	name := identifier(measurement)
	for _, p := range panels {
		for _, q := range p.Queries {
			if strings.Contains(q.InfluxQL, "FROM "+name) {
				return true
			}
		}
	}
	return false
}
