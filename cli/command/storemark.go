package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/ephor-io/ephor/metrics"
	"github.com/ephor-io/ephor/monitor"
)

// markDeploy writes into the application's own store that it has been deployed now, as the monitoring host does into its
// own. It writes as the functions do: where and as whom, it reads from the configuration of one, so that it takes no right
// that provision has no need of anyway. What is wrong with that is no failure of what has been deployed.
func (p *program) markDeploy(ctx context.Context, d *deploying, buildID string) error {
	function := p.app.Name() + "-" + p.app.Functions()[0].Name
	is, err := lambda.NewFromConfig(d.config).GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &function})
	if err != nil {
		return fmt.Errorf("looking at function %s: %w", function, err)
	}
	if is.Environment == nil || is.Environment.Error != nil {
		return fmt.Errorf("function %s: Lambda does not tell its environment variables, of which one says where the store is", function)
	}
	to, err := metrics.FromEnv(func(name string) string { return is.Environment.Variables[name] })
	if err != nil {
		return err
	}
	point := monitor.MarkPoint(p.app.Name(), buildID, "code "+aws.ToString(is.CodeSha256), time.Now())
	return writePoint(ctx, to, point)
}

// markTimeout bounds the writing of one point.
const markTimeout = 10 * time.Second

// writePoint writes as a function that is told to do so. Its errors hold no token.
func writePoint(ctx context.Context, to metrics.Config, point string) error {
	at, err := to.WriteURL()
	if err != nil {
		return err
	}
	client, err := storeClient(to, markTimeout)
	if err != nil {
		return fmt.Errorf("the store's CA: %w", err)
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, at, strings.NewReader(point))
	if err != nil {
		return fmt.Errorf("writing to the store: %w", err)
	}
	r.Header.Set("Content-Type", "text/plain; charset=utf-8")
	if header := to.Authorization(); header != "" {
		r.Header.Set("Authorization", header)
	}
	response, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("writing to the store: %w", err)
	}
	_, err = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20))
	err = errors.Join(err, response.Body.Close())
	// 200, as a login page gives, is no acknowledgement.
	if response.StatusCode != http.StatusNoContent {
		return fmt.Errorf("writing to the store at %s: %s", to.URL, response.Status)
	}
	return err
}
