// Package sts is AWS's Security Token Service on this machine: it says who is calling, which is
// always the laptop's one user.
//
//	service, err := sts.Open(sts.Config{})
//	http.Handle("/", service)
//	// aws sts get-caller-identity
package sts

import (
	"cmp"
	"net/http"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

const namespace = "https://sts.amazonaws.com/doc/2011-06-15/"

// Config says whose account it is.
type Config struct {
	// Account is the account's ID; "" means 000000000000.
	Account string
}

// Service is STS. It is safe for concurrent use and keeps no state.
type Service struct{ account string }

// Open makes a Service.
func Open(config Config) (*Service, error) {
	return &Service{account: cmp.Or(config.Account, "000000000000")}, nil
}

// Close does nothing: there is nothing to end.
func (s *Service) Close() error { return nil }

// Identity is who calls: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
type Identity struct {
	Arn     string
	UserID  string `xml:"UserId"`
	Account string
}

// GetCallerIdentity is the identity of every caller.
func (s *Service) GetCallerIdentity() Identity {
	c := awsproto.CallerOf(s.account)
	return Identity{Arn: c.ARN, UserID: c.UserID, Account: c.Account}
}

// ServeHTTP answers the query protocol.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	action := r.FormValue("Action")
	var err error
	if action == "GetCallerIdentity" {
		err = awsproto.WriteQuery(w, namespace, action, s.GetCallerIdentity())
	} else {
		err = awsproto.Errorf("InvalidAction", "Could not find operation %s for version %s: on the laptop STS knows GetCallerIdentity", action, r.FormValue("Version"))
	}
	if err != nil {
		awsproto.WriteQueryError(w, namespace, err)
	}
}
