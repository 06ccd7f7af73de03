package ec2

import (
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

const namespace = "http://ec2.amazonaws.com/doc/2016-11-15/"

// ServeHTTP answers DescribeInstances and DescribeInstanceStatus in the EC2 query protocol; all else is refused by name.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceStatus.html
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var out any
	var err error
	switch action := r.FormValue("Action"); action {
	case "DescribeInstances":
		out, err = s.describe(r)
	case "DescribeInstanceStatus":
		out, err = s.describeStatus(r)
	default:
		err = fail("InvalidAction", "The action %s is not valid for this web service: on the laptop EC2 knows DescribeInstances and DescribeInstanceStatus", action)
	}
	if err != nil {
		writeError(w, err)
		return
	}
	write(w, http.StatusOK, out)
}

type tagXML struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

type groupXML struct {
	GroupID   string `xml:"groupId"`
	GroupName string `xml:"groupName"`
}

type instanceXML struct {
	InstanceID       string     `xml:"instanceId"`
	ImageID          string     `xml:"imageId"`
	State            stateXML   `xml:"instanceState"`
	PrivateDNSName   string     `xml:"privateDnsName"`
	DNSName          string     `xml:"dnsName"`
	Reason           string     `xml:"reason"`
	KeyName          string     `xml:"keyName,omitempty"`
	InstanceType     string     `xml:"instanceType"`
	LaunchTime       string     `xml:"launchTime"`
	Zone             string     `xml:"placement>availabilityZone"`
	SubnetID         string     `xml:"subnetId,omitempty"`
	PrivateIPAddress string     `xml:"privateIpAddress"`
	IPAddress        string     `xml:"ipAddress"`
	Groups           []groupXML `xml:"groupSet>item"`
	Tags             []tagXML   `xml:"tagSet>item"`
}

type reservationXML struct {
	ReservationID string        `xml:"reservationId"`
	OwnerID       string        `xml:"ownerId"`
	Instances     []instanceXML `xml:"instancesSet>item"`
}

type describeXML struct {
	XMLName      xml.Name         `xml:"DescribeInstancesResponse"`
	Xmlns        string           `xml:"xmlns,attr"`
	RequestID    string           `xml:"requestId"`
	Reservations []reservationXML `xml:"reservationSet>item"`
}

// stateCodes are those of https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceState.html
var stateCodes = map[string]int{"pending": 0, "running": 16, "terminated": 48}

func (s *Service) describe(r *http.Request) (describeXML, error) {
	out := describeXML{Xmlns: namespace, RequestID: awsproto.NewID()}
	instances, err := s.asked(r)
	for _, i := range instances {
		out.Reservations = append(out.Reservations, reservationXML{
			ReservationID: "r" + i.InstanceID[1:], OwnerID: s.config.Account, Instances: []instanceXML{s.toXML(i)},
		})
	}
	return out, err
}

// asked are the instances that a request names, or all.
func (s *Service) asked(r *http.Request) ([]Instance, error) {
	if r.FormValue("Filter.1.Name") != "" {
		return nil, fail("InvalidParameterValue", "filters are not known on the laptop: name the instances by InstanceId")
	}
	if r.FormValue("InstanceId.1") == "" {
		return s.ListInstances(), nil
	}
	var instances []Instance
	for n := 1; r.FormValue("InstanceId."+strconv.Itoa(n)) != ""; n++ {
		i, err := s.GetInstance(r.FormValue("InstanceId." + strconv.Itoa(n)))
		if err != nil {
			return nil, err
		}
		instances = append(instances, i)
	}
	return instances, nil
}

func (s *Service) toXML(i Instance) instanceXML {
	out := instanceXML{
		InstanceID: i.InstanceID, ImageID: i.ImageID, PrivateDNSName: i.PrivateDNSName, DNSName: i.PublicDNSName, Reason: i.StateReason,
		KeyName: i.KeyName, InstanceType: i.InstanceType, LaunchTime: i.LaunchTime.Format(time.RFC3339), Zone: i.AvailabilityZone,
		SubnetID: i.SubnetID, PrivateIPAddress: i.PrivateIPAddress, IPAddress: i.PublicIPAddress,
	}
	out.State = i.stateXML()
	for _, id := range i.SecurityGroupIDs {
		g, _ := s.GetSecurityGroup(id) // a group cannot go before its instances
		out.Groups = append(out.Groups, groupXML{id, g.GroupName})
	}
	for _, k := range slices.Sorted(maps.Keys(i.Tags)) {
		out.Tags = append(out.Tags, tagXML{k, i.Tags[k]})
	}
	return out
}

// writeError answers in the form that EC2 alone has:
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html#api-error-response
func writeError(w http.ResponseWriter, err error) {
	e := awsproto.From(err)
	type detail struct{ Code, Message string }
	write(w, e.Status, struct {
		XMLName   xml.Name `xml:"Response"`
		Errors    []detail `xml:"Errors>Error"`
		RequestID string
	}{Errors: []detail{{e.Code, e.Message}}, RequestID: awsproto.NewID()})
}

func write(w http.ResponseWriter, status int, v any) {
	data, err := xml.Marshal(v)
	if err != nil {
		panic(err) // the values are ours and have no unencodable part
	}
	w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write(append([]byte(xml.Header), data...)) // a caller that has gone cannot be told so
}
