package command

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/smithy-go"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/deploy"
	"github.com/ephor-io/ephor/loss"
	"github.com/ephor-io/ephor/metrics"
)

// counted is what CloudWatch counted beside what the store has, in that part of the period for which
// CloudWatch has its counts already.
type counted struct {
	From      time.Time    `json:"from"`
	To        time.Time    `json:"to"`
	Functions []loss.Count `json:"functions"`
}

// accountOnHost is accountOnAWS with the store of the monitoring stack.
func (p *program) accountOnHost(ctx context.Context, config aws.Config, t target, from time.Time, monitoring deploy.State, r *report) error {
	s, err := storeOf(monitoring.Outputs)
	if err != nil {
		return err
	}
	r.Addresses.Page = monitoring.Outputs["GrafanaURL"]
	return p.accountOnAWS(ctx, config, t, from, s, r)
}

// accountInStore is accountOnAWS with the application's own store.
func (p *program) accountInStore(ctx context.Context, config aws.Config, t target, from time.Time, own ephor.Store, r *report) error {
	s, err := connectStore(metrics.Config{URL: own.URL, CA: own.CA, Bucket: own.Bucket}, cmp.Or(own.Database, own.Bucket))
	if err != nil {
		return fmt.Errorf("the store's CA: %w", err)
	}
	return p.accountOnAWS(ctx, config, t, from, s, r)
}

// accountOnAWS accounts for what was invoked since from, or within the last hour: by environment, as the
// logs have it, and by function, as CloudWatch does.
func (p *program) accountOnAWS(ctx context.Context, config aws.Config, t target, from time.Time, s *store, r *report) error {
	now := time.Now()
	if from.IsZero() {
		from = now.Add(-time.Hour)
	}
	r.Addresses.Store = s.url
	m := &monitored{Since: from}
	period := loss.Period{From: from}
	served, err := p.served(ctx, config, t, period)
	if err != nil {
		return err
	}
	if m.Report, err = loss.Account(ctx, s.query, period, served); err != nil {
		return err
	}
	r.monitored = m
	r.CloudWatch, err = p.counted(ctx, cloudwatch.NewFromConfig(config), t, s, period, now)
	var unasked *uncountedError
	if errors.As(err, &unasked) && ctx.Err() == nil {
		r.Unaccounted = &unaccounted{Reason: unasked.Error()}
		var e *Error
		if errors.As(unasked.err, &e) {
			r.Unaccounted.Hint = e.Hint
		}
		return nil
	}
	return err
}

// uncountedError is that CloudWatch does not tell what it has counted. It is only asked to be compared with.
type uncountedError struct{ err error }

func (e *uncountedError) Error() string {
	const what = "CloudWatch could not be asked how often Lambda invoked the functions: "
	var garbled *smithy.DeserializationError
	if errors.As(e.err, &garbled) {
		return what + "what answers at its address does not speak its protocol"
	}
	return what + inService(e.err)
}

func (e *uncountedError) Unwrap() error { return e.err }

// counted compares CloudWatch with the store. Where CloudWatch is why it cannot, the error is an *uncountedError.
func (p *program) counted(ctx context.Context, client cloudwatch.GetMetricDataAPIClient, t target, s *store, period loss.Period, now time.Time) (*counted, error) {
	part, unit, err := countable(period, now, longestTimeout(p.app))
	if err != nil {
		return nil, err
	}
	invoked, err := p.invoked(ctx, client, t, part, unit)
	if err != nil {
		return nil, &uncountedError{err}
	}
	c := &counted{From: part.From, To: part.To}
	if part.From.Before(part.To) {
		c.Functions, err = loss.Compare(ctx, s.query, part, invoked)
	}
	return c, err
}

// storeOf is the store of a monitoring stack with these outputs.
func storeOf(outputs map[string]string) (*store, error) {
	c := metrics.Config{URL: outputs["StoreURL"], CA: outputs["StoreCA"]}
	if c.URL == "" {
		return nil, errors.New("the monitoring stack has no output StoreURL yet")
	}
	s, err := connectStore(c, outputs["StoreDatabase"])
	if err != nil {
		return nil, fmt.Errorf("output StoreCA of the monitoring stack: %w", err)
	}
	s.remedy = "waiting, if its machine has only just started; or provision --parameter WritersCIDR=…, whose addresses have to include the one that this is asked from"
	return s, nil
}

// connectStore is the store at c's address, asked as whom EPHOR_STORE_TOKEN names. Its error is of c's CA.
func connectStore(c metrics.Config, database string) (*store, error) {
	client, err := storeClient(c, 30*time.Second)
	if err != nil {
		return nil, err
	}
	c.Token = os.Getenv("EPHOR_STORE_TOKEN")
	return &store{url: strings.TrimSuffix(c.URL, "/"), database: database, authorization: c.Authorization(),
		client: client}, nil
}

// storeClient trusts c's CA alone, if there is one.
func storeClient(c metrics.Config, timeout time.Duration) (*http.Client, error) {
	roots, err := c.Roots()
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	return &http.Client{Transport: transport, Timeout: timeout}, nil
}

func (c *counted) print(t io.Writer) {
	if len(c.Functions) == 0 {
		fmt.Fprintf(t, "\nCloudWatch has counted nothing of that yet: ask again in some minutes, or with a longer --since\n")
		return
	}
	fmt.Fprintf(t, "\nby CloudWatch, of what began from %s to %s\nFUNCTION\tINVOKED\tRECORDED\tMISSING\n", since(c.From), since(c.To))
	for _, f := range c.Functions {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\n", f.Function, f.Invoked, f.Recorded, max(f.Invoked-f.Recorded, 0))
	}
}
