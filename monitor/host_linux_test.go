package monitor

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ephor-io/ephor/laptop/secretsmanager"
)

// newHost is a keeper that has no users to give files to.
func newHost(t *testing.T) *keeper {
	t.Helper()
	c := newCloud(t)
	k := newKeeper(t, c)
	k.env = append(k.env, "EPHOR_ADDRESS=192.0.2.7", "EPHOR_GRAFANA_PORT=3000", "EPHOR_WRITER_SECRET="+c.arns["WriterSecret"], "EPHOR_READER_SECRET="+c.arns["ReaderSecret"],
		"EPHOR_GRAFANA_SECRET="+c.arns["GrafanaSecret"], "FAKE="+unowned)
	return k
}

func (k *keeper) file(name string) string {
	k.t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		k.t.Fatal(err)
	}
	return string(text)
}

func (k *keeper) certificate(name string) *x509.Certificate {
	k.t.Helper()
	block, _ := pem.Decode([]byte(k.file(name)))
	if block == nil {
		k.t.Fatalf("%s is no certificate", name)
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		k.t.Fatal(err)
	}
	return c
}

// TestCertificateIsMadeAnewInTime, and for no longer than those take it whom browsers ask.
func TestCertificateIsMadeAnewInTime(t *testing.T) {
	t.Parallel()
	k := newHost(t)
	k.must("certificates")
	first := k.certificate(k.settings("host.pem"))
	// https://support.apple.com/en-us/103769
	if days := first.NotAfter.Sub(first.NotBefore) / (24 * time.Hour); days > 825 || days < 365 {
		t.Errorf("it is good for %d days", days)
	}
	roots := x509.NewCertPool()
	roots.AddCert(k.certificate(k.settings("ca.pem")))
	if _, err := first.Verify(x509.VerifyOptions{Roots: roots, DNSName: "192.0.2.7"}); err != nil {
		t.Error(err)
	}
	authority := k.authority()
	k.must("certificates")
	if !k.certificate(k.settings("host.pem")).Equal(first) {
		t.Error("one that does was made anew")
	}
	// lasts puts one in place that ends after so many days.
	lasts := func(days int, address string) *x509.Certificate {
		t.Helper()
		out, err := exec.Command("bash", "-c", `cd "$1" && openssl req -new -key host.key -subj /CN=x -addext "subjectAltName=IP:$3" |
  openssl x509 -req -CA ca.pem -CAkey ca.key -days "$2" -set_serial 7 -copy_extensions copy -out host.pem`, "bash", k.data("tls"), strconv.Itoa(days), address).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return k.certificate(k.data("tls/host.pem"))
	}
	for _, c := range []struct {
		days    int
		address string
		stays   bool
	}{{32, "192.0.2.7", true}, {29, "192.0.2.7", false}, {500, "192.0.2.8", false}} {
		was := lasts(c.days, c.address)
		k.must("certificates")
		now := k.certificate(k.settings("host.pem"))
		if now.Equal(was) != c.stays {
			t.Errorf("one for %s and %d days: it stays: %t", c.address, c.days, !c.stays)
		}
		if !c.stays && time.Until(now.NotAfter) < 365*24*time.Hour {
			t.Errorf("the new one ends at %s", now.NotAfter)
		}
	}
	if k.authority() != authority {
		t.Error("the authority is another")
	}
	// Every minute it is looked at, and the two that have it start anew.
	const looks = unowned + `
mountpoint() { :; }; grown() { :; }; alive() { :; }; fetch_bundle() { :; }; deploys() { :; }
run_store() { echo "store: $1"; }; run_grafana() { echo grafana; }`
	k.env = append(k.env, "FAKE="+looks)
	if said := k.must("refresh"); strings.Contains(said, "store: ") {
		t.Errorf("the store starts anew every minute: %s", said)
	}
	lasts(29, "192.0.2.7")
	if said := k.must("refresh"); !strings.Contains(said, "store: network\ngrafana\n") {
		t.Errorf("nobody takes the new certificate: %s", said)
	}
	if until := time.Until(k.certificate(k.settings("host.pem")).NotAfter); until < 365*24*time.Hour {
		t.Errorf("it ends in %s", until)
	}
}

// TestGrafanaHasAKeyOfItsOwn, which stays, and no database with the key that everybody knows.
func TestGrafanaHasAKeyOfItsOwn(t *testing.T) {
	t.Parallel()
	k := newHost(t)
	k.must("certificates")
	if err := os.MkdirAll(k.data("grafana"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(k.data("grafana/grafana.db"), []byte("known"), 0o600); err != nil {
		t.Fatal(err)
	}
	k.must("grafana_config")
	key := k.file(k.settings("grafana.secret"))
	if len(strings.TrimSpace(key)) != 64 {
		t.Errorf("the key %q", key)
	}
	if got := k.file(k.data("grafana/grafana.db.before")); got != "known" {
		t.Errorf("the database from before is %q", got)
	}
	if err := os.WriteFile(k.data("grafana/grafana.db"), []byte("own"), 0o600); err != nil {
		t.Fatal(err)
	}
	k.must("grafana_config")
	if again := k.file(k.settings("grafana.secret")); again != key {
		t.Error("the second time it is another")
	}
	if got := k.file(k.data("grafana/grafana.db")); got != "own" {
		t.Errorf("the database is %q", got)
	}
	ini := k.file(k.settings("grafana.ini"))
	for _, want := range []string{"\nsecret_key = $__file{" + k.settings("grafana.secret") + "}\n", "\nmin_tls_version = TLS1.2\n", "\nprotocol = https\n", "\n[auth.anonymous]\nenabled = false\n"} {
		if strings.Count(ini, want) != 1 {
			t.Errorf("the settings have no %q:\n%s", want, ini)
		}
	}
	if strings.Contains(ini, strings.TrimSpace(key)) {
		t.Error("the key stands in the settings")
	}
	other := newHost(t)
	other.must("certificates")
	other.must("grafana_config")
	if other.file(other.settings("grafana.secret")) == key {
		t.Error("two hosts have one key")
	}
}

// TestContactsThatGrafanaWouldNotRead as they are.
func TestContactsThatGrafanaWouldNotRead(t *testing.T) {
	t.Parallel()
	k := newHost(t)
	list := k.settings("list")
	if err := os.WriteFile(list, []byte("0 shop/slack url\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	k.must("contacts", list)
	if got := k.file(k.settings("contacts/0")); got != slackURL {
		t.Errorf("the URL is %q", got)
	}
	for word, want := range map[string]string{
		"https://x.example/geheim$HOME": "a space or a dollar sign", "https://x.example/geheim heim": "a space or a dollar sign", "geheim": "it is no URL", "https://": "it is no URL"} {
		said := k.fails("(the secret of contact 1): ", unowned+"\nsecret() { printf '%s' '"+word+"'; }", "contacts", list)
		if !strings.Contains(said, want) || strings.Contains(said, "geheim") {
			t.Errorf("%q: %s", word, said)
		}
		if got := k.file(k.settings("contacts/0")); got != slackURL {
			t.Errorf("the URL from before is %q", got)
		}
	}
}

// TestPasswordsThatChange: what the host writes on its own goes on with the password that the store knows, and a backup
// from before gives its authority back.
func TestPasswordsThatChange(t *testing.T) {
	t.Parallel()
	k := newHost(t)
	c := k.cloud
	c.makeBucket("backups")
	k.begin()
	k.must("account", "writer", c.arns["WriterSecret"], `GRANT WRITE ON "ephor" TO "writer"`)
	old := c.password("WriterSecret")
	k.write(1)
	k.must("backup")
	authority := k.authority()
	for _, id := range []string{"WriterSecret", "AdminSecret"} {
		if _, err := c.secrets.PutSecretValue(c.arns[id], secretsmanager.SecretInput{SecretString: `{"password":"changed` + id + `"}`}, nil); err != nil {
			t.Fatal(err)
		}
	}
	tells := "FAKE=" + unowned + "\ncurl() { [ \"$(cat)\" = 'user = \"writer:" + old + "\"' ] && echo as it was; }"
	k.env = append(k.env, tells)
	if said := k.must("as_writer", "https://x.example"); said != "as it was\n" {
		t.Errorf("another password: %s", said)
	}
	k.env = append(k.env, "FAKE="+unowned)
	k.must("halt")
	k.born()
	k.must("restore")
	k.holds(1, "6")
	if k.authority() != authority {
		t.Error("the authority is another")
	}
	k.must("account", "writer", c.arns["WriterSecret"], `GRANT WRITE ON "ephor" TO "writer"`)
	if got := k.file(k.settings("writer.password")); got != "changedWriterSecret" {
		t.Error("after the next boot the host writes with the old one")
	}
}
