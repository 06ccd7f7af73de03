package ec2

import (
	"encoding/xml"
	"net/http"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

type stateXML struct {
	Code int    `xml:"code"`
	Name string `xml:"name"`
}

func (i Instance) stateXML() stateXML { return stateXML{Code: stateCodes[i.State], Name: i.State} }

// statusXML is an instance's status. There is no machine that could be checked, which is one of the statuses that
// EC2 has: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceStatusSummary.html
type statusXML struct {
	InstanceID string   `xml:"instanceId"`
	Zone       string   `xml:"availabilityZone"`
	State      stateXML `xml:"instanceState"`
	System     string   `xml:"systemStatus>status"`
	Instance   string   `xml:"instanceStatus>status"`
	EBS        string   `xml:"attachedEbsStatus>status"`
}

const notApplicable = "not-applicable"

type describeStatusXML struct {
	XMLName   xml.Name    `xml:"DescribeInstanceStatusResponse"`
	Xmlns     string      `xml:"xmlns,attr"`
	RequestID string      `xml:"requestId"`
	Statuses  []statusXML `xml:"instanceStatusSet>item"`
}

// describeStatus tells of instances that are running or, where IncludeAllInstances is true, of others, too.
func (s *Service) describeStatus(r *http.Request) (describeStatusXML, error) {
	out := describeStatusXML{Xmlns: namespace, RequestID: awsproto.NewID()}
	instances, err := s.asked(r)
	for _, i := range instances {
		if i.State != "running" && r.FormValue("IncludeAllInstances") != "true" {
			continue
		}
		out.Statuses = append(out.Statuses, statusXML{InstanceID: i.InstanceID, Zone: i.AvailabilityZone, State: i.stateXML(),
			System: notApplicable, Instance: notApplicable, EBS: notApplicable})
	}
	return out, err
}
