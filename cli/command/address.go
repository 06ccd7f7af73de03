package command

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/ephor-io/ephor/monitor"
)

// checkIP is where AWS tells whoever asks the address that he comes from, or "" where c is not about AWS. A variable of the
// environment names another place, as the SDK's do for AWS's services.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/get-set-up-for-amazon-ec2.html#create-a-base-security-group
func checkIP(c aws.Config) string {
	if at := os.Getenv("AWS_ENDPOINT_URL_CHECKIP"); at != "" || c.BaseEndpoint != nil {
		return at
	}
	return "https://checkip.amazonaws.com"
}

// openGrafana opens Grafana's port of a stack that is not there yet to the address that this comes from, where it is not said to
// whom. What a stack has it leaves alone, and says where that does not let this address in.
func openGrafana(ctx context.Context, v monitor.Values, stack, at string, say func(string, ...any)) {
	const name = monitor.ParamAllowed
	if _, given := v.Given[name]; given || at == "" {
		return
	}
	has, kept := v.Kept[name]
	own, err := ownAddress(ctx, at)
	switch {
	case err != nil && kept:
		say("note: whether %s=%s of stack %s lets this machine in is not known: %v", name, has, stack, err)
	case err != nil:
		say("note: Grafana's port is open to nobody: %v; --parameter %s=ADDRESS/32 opens it", err, name)
	case !kept:
		v.Given[name] = own.String() + "/32"
		say("%s=%s/32: Grafana's port is for the address that this comes from; --parameter %s=… says otherwise", name, own, name)
	default:
		if in, err := netip.ParsePrefix(has); err != nil || !in.Contains(own) {
			say("note: Grafana's port of stack %s is for %s=%s, and this comes from %s: --parameter %s=%s/32 lets it in", stack, name, has, own, name, own)
		}
	}
}

// ownAddress is the public IPv4 address that at sees this come from.
func ownAddress(ctx context.Context, at string) (netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	told, err := asked(ctx, at)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("asking %s for the address that this comes from: %w", at, err)
	}
	own, err := netip.ParseAddr(strings.TrimSpace(told))
	if err != nil || !own.Is4() || !own.IsGlobalUnicast() || own.IsPrivate() {
		return netip.Addr{}, fmt.Errorf("asking %s for the address that this comes from: it answers %q, which is no public IPv4 address", at, told)
	}
	return own, nil
}

// asked is what stands at an address, by IPv4, because the port is opened for that.
func asked(ctx context.Context, at string) (string, error) {
	var d net.Dialer
	client := http.Client{
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
				return d.DialContext(ctx, "tcp4", address)
			}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return "", err
	}
	response, err := client.Do(r)
	if err != nil {
		return "", cmp.Or(context.Cause(ctx), err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("it answers %s", response.Status)
	}
	const longest = 64 // bytes; an address has 15
	text, err := io.ReadAll(io.LimitReader(response.Body, longest))
	return string(text), err
}
