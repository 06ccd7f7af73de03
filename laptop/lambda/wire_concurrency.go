package lambda

import (
	"context"
	"net/http"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// ReserveConcurrency reserves n environments for a function, which are its limit; nil reserves none.
// See https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
func (s *Service) ReserveConcurrency(_ context.Context, name string, n *int) error {
	_, err := s.edit(name, func(fam *family, rec *record) error {
		if f := fam.latest(); f.missing != nil {
			return f.errMissing()
		}
		rec.Function = rec.Function.clone()
		rec.ReservedConcurrency = n
		if err := s.validateReservation(rec.Function); err != nil {
			return err
		}
		return s.checkConcurrency(rec)
	})
	return err
}

func (s *Service) servePutConcurrency(w http.ResponseWriter, r *http.Request, name string) error {
	var in struct{ ReservedConcurrentExecutions *int }
	if err := decode(w, r, &in); err != nil {
		return err
	}
	if in.ReservedConcurrentExecutions == nil {
		return awsproto.Errorf("InvalidParameterValueException", "ReservedConcurrentExecutions is missing")
	}
	if err := s.ReserveConcurrency(r.Context(), name, in.ReservedConcurrentExecutions); err != nil {
		return err
	}
	return awsproto.WriteJSON(w, http.StatusOK, in)
}

func (s *Service) serveDeleteConcurrency(w http.ResponseWriter, r *http.Request, name string) error {
	if err := s.ReserveConcurrency(r.Context(), name, nil); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Service) serveGetConcurrency(w http.ResponseWriter, _ *http.Request, name string) error {
	f, err := s.Function(name)
	if err != nil {
		return err
	}
	answer := map[string]int{}
	if f.ReservedConcurrency != nil {
		answer["ReservedConcurrentExecutions"] = *f.ReservedConcurrency
	}
	return awsproto.WriteJSON(w, http.StatusOK, answer)
}

// provisionedAnswer is ProvisionedConcurrencyConfigListItem of the API, and what the other calls
// answer, without the ARN.
type provisionedAnswer struct {
	FunctionArn                              string `json:",omitempty"`
	RequestedProvisionedConcurrentExecutions int
	AvailableProvisionedConcurrentExecutions int
	AllocatedProvisionedConcurrentExecutions int
	Status                                   string
	StatusReason                             string `json:",omitempty"`
	LastModified                             string
}

func describeProvisioned(p ProvisionedConcurrency, arn string) provisionedAnswer {
	return provisionedAnswer{arn, p.Requested, p.Available, p.Allocated, p.Status, p.StatusReason, wireTime(p.LastModified)}
}

func (s *Service) servePutProvisioned(w http.ResponseWriter, r *http.Request, name string) error {
	var in struct{ ProvisionedConcurrentExecutions int }
	if err := decode(w, r, &in); err != nil {
		return err
	}
	name, err := s.said(r, name)
	if err != nil {
		return err
	}
	p, err := s.PutProvisionedConcurrency(r.Context(), name, in.ProvisionedConcurrentExecutions)
	if err != nil {
		return err
	}
	return awsproto.WriteJSON(w, http.StatusAccepted, describeProvisioned(p, ""))
}

// serveGetProvisioned is also ListProvisionedConcurrencyConfigs, which differs by ?List=ALL.
func (s *Service) serveGetProvisioned(w http.ResponseWriter, r *http.Request, name string) error {
	if r.URL.Query().Get("List") == "ALL" {
		all, err := s.ProvisionedConcurrencies(name)
		if err != nil {
			return err
		}
		return writePage(w, r, "ProvisionedConcurrencyConfigs", 50, all,
			func(p ProvisionedConcurrency) string { return p.Qualifier },
			func(p ProvisionedConcurrency) any { return describeProvisioned(p, p.ARN) })
	}
	name, err := s.said(r, name)
	if err != nil {
		return err
	}
	p, err := s.ProvisionedConcurrency(name)
	if err != nil {
		return err
	}
	return awsproto.WriteJSON(w, http.StatusOK, describeProvisioned(p, ""))
}

func (s *Service) serveDeleteProvisioned(w http.ResponseWriter, r *http.Request, name string) error {
	name, err := s.said(r, name)
	if err != nil {
		return err
	}
	if err := s.DeleteProvisionedConcurrency(r.Context(), name); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// serveAccountSettings is https://docs.aws.amazon.com/lambda/latest/api/API_GetAccountSettings.html
func (s *Service) serveAccountSettings(w http.ResponseWriter, _ *http.Request, _ string) error {
	var answer struct {
		AccountLimit struct {
			TotalCodeSize, CodeSizeUnzipped, CodeSizeZipped int64
			ConcurrentExecutions                            int
			UnreservedConcurrentExecutions                  int
		}
		AccountUsage struct{ TotalCodeSize, FunctionCount int64 }
	}
	answer.AccountLimit.TotalCodeSize = 75 << 30
	answer.AccountLimit.CodeSizeUnzipped = maxUnzipped
	answer.AccountLimit.CodeSizeZipped = maxZip
	answer.AccountLimit.ConcurrentExecutions = s.cfg.ConcurrencyLimit
	answer.AccountLimit.UnreservedConcurrentExecutions = s.left()
	for _, fam := range s.families() {
		rec := fam.record()
		answer.AccountUsage.FunctionCount++
		answer.AccountUsage.TotalCodeSize += rec.CodeSize
		for _, v := range rec.Versions {
			answer.AccountUsage.TotalCodeSize += v.CodeSize
		}
	}
	s.layers.mu.RLock()
	defer s.layers.mu.RUnlock()
	for _, l := range s.layers.byName {
		for _, v := range l.Versions {
			answer.AccountUsage.TotalCodeSize += v.CodeSize
		}
	}
	return awsproto.WriteJSON(w, http.StatusOK, answer)
}
