package command

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/monitor"
)

// grafanaToken is the variable that holds what a Grafana lets dashboards in for: on a command line everybody
// would see it.
const grafanaToken = "GRAFANA_TOKEN"

// grafanaAccess is what the variable holds, without the line's end that a file of secrets leaves behind it.
func grafanaAccess() string { return strings.TrimSpace(os.Getenv(grafanaToken)) }

// pushTimeout bounds one request to a Grafana.
const pushTimeout = 30 * time.Second

type dashboardFlags struct {
	push, source, folder, ca string
	alerts                   bool
}

func (p *program) dashboardCommand() *cobra.Command {
	var f dashboardFlags
	c := &cobra.Command{
		Use:   "dashboard [TITLE]",
		Short: "Print the dashboards as Grafana's JSON, or put them into a Grafana",
		Long: `dashboard prints the application's dashboards as Grafana's JSON on standard output, or only the one
with a title; where there are several, as a JSON list. With --push it puts them into any Grafana by its
HTTP API instead, over those of the same UID there, and prints their addresses. The environment
variable ` + grafanaToken + ` holds a service account's token, or user:password; the account is an editor, and an
administrator for --alerts. Contact points are left as they are.`,
		Example: `  dashboard > hello.json
  dashboard --push https://grafana.example.com --source my-influxdb`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error { return p.dashboard(c, args, f) },
	}
	flags := c.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.push, "push", "", "put the dashboards into the Grafana at this `URL`")
	flags.StringVar(&f.source, "source", "", "the `UID` of the data source there that reads the store (default "+monitor.DataSourceUID+")")
	flags.StringVar(&f.folder, "folder", "", "the `UID` of the folder there to put them into (default where they are)")
	flags.StringVar(&f.ca, "ca", "", "a `file` with the certificate of the authority that Grafana's certificate is from, where it is no public one")
	flags.BoolVar(&f.alerts, "alerts", false, "print the alert rules instead, as a file that Grafana is provisioned with; with --push put them there, too")
	return c
}

func (p *program) dashboard(c *cobra.Command, args []string, f dashboardFlags) error {
	title := strings.Join(args, " ")
	if f.alerts && title != "" {
		return usage(c, errors.New("--alerts is for all of them, and for no one dashboard"))
	}
	if f.push == "" && c.Flags().Changed("push") {
		return usage(c, errors.New("--push: the address of a Grafana, such as https://grafana.example.com; what it was given is empty"))
	}
	if f.push == "" && (f.source != "" || f.ca != "" || f.folder != "") {
		return usage(c, errors.New("--source, --folder and --ca are for --push"))
	}
	g, ok := p.app.Monitoring()
	if !ok {
		return hinted(fmt.Errorf("%s has no monitoring", p.app.Name()), "app.Monitor(ephor.Grafana{}) in its main")
	}
	_, own := p.app.Store()
	if own || f.push != "" {
		g.Alerts.BackupAge = -1 // only the monitoring host makes backups
	}
	rules, err := monitor.Alerts(g)
	if err != nil {
		return err
	}
	if f.alerts && f.push == "" {
		p.noteContacts(g, "the contacts are not in the file: their URLs are known to the monitoring host alone")
		return p.printText(rules)
	}
	render := monitor.GrafanaDashboards
	if own {
		render = monitor.StoreDashboards
	}
	boards, err := render(g)
	if err != nil {
		return err
	}
	if title != "" {
		if boards, err = titled(boards, title); err != nil {
			return err
		}
	}
	if f.push == "" {
		return p.printDashboards(boards)
	}
	p.noteContacts(g, "the contacts are not put there: that Grafana has contact points of its own")
	return p.pushDashboards(c, boards, rules, f)
}

// noteContacts says, where contacts are declared, what becomes of them.
func (p *program) noteContacts(g ephor.Grafana, what string) {
	if len(g.Contacts) > 0 {
		fmt.Fprintf(p.stderr, "note: %s\n", what)
	}
}

// titled is the one dashboard of a title, whatever its letters' case.
func titled(boards []monitor.Dashboard, title string) ([]monitor.Dashboard, error) {
	var titles []string
	for _, b := range boards {
		if strings.EqualFold(b.Title, title) {
			return []monitor.Dashboard{b}, nil
		}
		titles = append(titles, b.Title)
	}
	return nil, hinted(fmt.Errorf("there is no dashboard %q", title), "one of "+strings.Join(titles, ", "))
}

func (p *program) printDashboards(boards []monitor.Dashboard) error {
	if len(boards) == 1 {
		return p.printText(boards[0].JSON)
	}
	texts := make([]string, len(boards))
	for i, b := range boards {
		texts[i] = strings.TrimSuffix(string(b.JSON), "\n")
	}
	return p.printText([]byte("[" + strings.Join(texts, ",\n") + "]\n"))
}

func (p *program) printText(text []byte) error {
	if _, err := p.stdout.Write(text); err != nil {
		return fmt.Errorf("printing: %w", err)
	}
	return nil
}

func (p *program) pushDashboards(c *cobra.Command, boards []monitor.Dashboard, rules []byte, f dashboardFlags) error {
	client, err := grafanaClient(f.ca)
	if err != nil {
		return err
	}
	to := monitor.Target{URL: f.push, Token: grafanaAccess(), Source: f.source, Folder: f.folder, Client: client}
	shown, err := monitor.Push(c.Context(), to, boards)
	for _, address := range shown {
		if perr := p.printText([]byte(address + "\n")); perr != nil {
			return perr
		}
	}
	if err == nil && f.alerts {
		err = monitor.PushAlerts(c.Context(), to, p.app.Name(), rules)
	}
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		return hinted(err, "--ca with the certificate of Grafana's authority; of the monitoring host it is the stack's output StoreCA, in base64")
	}
	return grafanaTrouble(err)
}

// grafanaClient trusts the authority in a file, or those of the machine.
func grafanaClient(file string) (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if file != "" {
		pem, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading the authority's certificate: %w", err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return nil, hinted(fmt.Errorf("%s holds no certificate in PEM", file), "base64 -d, if it is in base64")
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{Transport: transport, Timeout: pushTimeout}, nil
}
