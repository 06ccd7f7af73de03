package command

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

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

// accountOnAWS accounts for what was invoked since from, or within the last hour: by environment, as the
// logs have it, and by function, as CloudWatch does.
func (p *program) accountOnAWS(ctx context.Context, config aws.Config, t target, from time.Time, monitoring deploy.State, r *report) error {
	now := time.Now()
	if from.IsZero() {
		from = now.Add(-time.Hour)
	}
	s, err := storeOf(monitoring.Outputs)
	if err != nil {
		return err
	}
	r.Addresses.Store, r.Addresses.Page = s.url, monitoring.Outputs["GrafanaURL"]
	r.monitored = &monitored{Since: from}
	period := loss.Period{From: from}
	served, err := p.served(ctx, config, t, period)
	if err != nil {
		return err
	}
	if r.Report, err = loss.Account(ctx, s.query, period, served); err != nil {
		return err
	}
	r.CloudWatch, err = p.counted(ctx, cloudwatch.NewFromConfig(config), t, s, period, now)
	return err
}

// counted compares CloudWatch with the store.
func (p *program) counted(ctx context.Context, client cloudwatch.GetMetricDataAPIClient, t target, s *store, period loss.Period, now time.Time) (*counted, error) {
	part, unit, err := countable(period, now, longestTimeout(p.app))
	if err != nil {
		return nil, err
	}
	invoked, err := p.invoked(ctx, client, t, part, unit)
	if err != nil {
		return nil, err
	}
	c := &counted{From: part.From, To: part.To}
	if part.From.Before(part.To) {
		c.Functions, err = loss.Compare(ctx, s.query, part, invoked)
	}
	return c, err
}

// storeOf is the store of a monitoring stack with these outputs.
func storeOf(outputs map[string]string) (*store, error) {
	client, err := storeClient(outputs)
	if err != nil {
		return nil, err
	}
	client.Timeout = 30 * time.Second
	c := metrics.Config{Token: os.Getenv("EPHOR_STORE_TOKEN")}
	return &store{url: outputs["StoreURL"], database: outputs["StoreDatabase"], authorization: c.Authorization(), client: client}, nil
}

// storeClient trusts the authority of a monitoring stack with these outputs, from which Grafana's certificate is, too.
func storeClient(outputs map[string]string) (*http.Client, error) {
	if outputs["StoreURL"] == "" {
		return nil, errors.New("the monitoring stack has no output StoreURL yet")
	}
	roots, err := metrics.Config{CA: outputs["StoreCA"]}.Roots()
	if err != nil {
		return nil, fmt.Errorf("output StoreCA of the monitoring stack: %w", err)
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	return &http.Client{Transport: transport}, nil
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
