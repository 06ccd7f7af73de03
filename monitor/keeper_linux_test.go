package monitor

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// storeScript is what takes the place of services, users and TLS where the backup's own part of the script is run as
// whoever runs the test: the store is one of this test's.
const storeScript = `
chown() { :; }
service() { # name, user, command…
  halt "$1"
  setsid "${@:3}" >>"$settings/log" 2>&1 </dev/null 7>&- 8>&- 9>&- &
  printf '%s\n' "$!" >"$settings/$1.pid"
}
halt() { # name; without, all
  local file pid
  for file in "$settings"/${1:-*}.pid; do
    pid=$(cat "$file" 2>/dev/null) || continue
    rm "$file"
    kill "$pid" || continue
    tail --pid "$pid" -f /dev/null
  done
}
# A slow machine has longer.
eval "as_it_was_$(declare -f waited)"
waited() { as_it_was_waited "$((10 * $1))" "${@:2}"; }
tell_age() {
  local since
  read -r since _ <"$data/backup.last"
  printf '%s\n' "$(($(date +%s) - since))" >>"$data/ages"
}
certificates_of_the_test() {
  mkdir -p "$data/tls"
  openssl ecparam -name prime256v1 -genkey -noout -out "$data/tls/ca.key"
  openssl req -x509 -new -key "$data/tls/ca.key" -days 1 -subj /CN=test -out "$data/tls/ca.pem"
  printf 'signalled\n' >"$data/signalled"
}
exec 9>"$settings/lock"
eval "${FAKE:-}"
"$@"
`

// keeper runs the script's backup and restore without root, against Debian's InfluxDB and the laptop's S3.
type keeper struct {
	t     *testing.T
	cloud *cloud
	dir   string
	port  int
	env   []string
}

func newKeeper(t *testing.T, c *cloud) *keeper {
	t.Helper()
	for program, pack := range map[string]string{"influxd": "influxdb", "bash": "bash", "curl": "curl", "jq": "jq", "openssl": "openssl", "flock": "util-linux", "tar": "tar"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed: apt-get install %s", program, pack)
		}
	}
	k := &keeper{t: t, cloud: c, dir: t.TempDir(), port: free(t)}
	k.env = append(c.environment(), "EPHOR_STACK=Hello-Monitoring", "EPHOR_REGION=eu-central-1", "EPHOR_DOMAIN=example.com", "EPHOR_DATABASE=ephor",
		"EPHOR_BACKUP_BUCKET=backups", "EPHOR_BACKUP_DAYS=7", "EPHOR_RESTORE_FROM=", "EPHOR_BACKUP_PIECE=5000", "EPHOR_PAUSE=0.1",
		"EPHOR_ADMIN_SECRET="+c.arns["AdminSecret"], "EPHOR_STORE_PORT="+strconv.Itoa(k.port), "EPHOR_BACKUP_PORT="+strconv.Itoa(free(t)), "EPHOR_INNER_PORT="+strconv.Itoa(free(t)))
	text, _, ok := strings.Cut(Script(), "# One at a time")
	if !ok {
		t.Fatal("the script has no part that runs it")
	}
	for was, is := range map[string]string{"\ndata=/var/lib/ephor ": "\ndata=" + k.data("") + " ", "\nsettings=/etc/ephor ": "\nsettings=" + k.settings("") + " ", "/run/ephor/": k.settings("run-"), "/run/ephor-gate": k.settings("gate")} {
		if !strings.Contains(text, was) {
			t.Fatalf("the script has no %q", was)
		}
		text = strings.ReplaceAll(text, was, is)
	}
	if err := os.WriteFile(k.settings("script"), []byte(text+storeScript), 0o700); err != nil {
		t.Fatal(err)
	}
	k.born()
	t.Cleanup(func() { k.must("halt") })
	return k
}

func (k *keeper) settings(name string) string { return filepath.Join(k.dir, name) }
func (k *keeper) data(name string) string     { return filepath.Join(k.dir, "data", name) }

// born is an empty volume.
func (k *keeper) born() {
	k.t.Helper()
	if err := os.RemoveAll(k.data("")); err != nil {
		k.t.Fatal(err)
	}
	if err := os.Mkdir(k.data(""), 0o700); err != nil {
		k.t.Fatal(err)
	}
}

// run calls functions of the script, and kills it, with all it waits for, when it says kill.
func (k *keeper) run(kill string, args ...string) (said string, err error) {
	k.t.Helper()
	c := exec.Command("bash", append([]string{k.settings("script")}, args...)...)
	c.Env = append(slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "AWS_") }), k.env...)
	return runGroup(k.t, c, func(line string) bool { return kill != "" && strings.Contains(line, " ephor: "+kill) })
}

// fails runs a function of the script, which ends in words; fake, in the shell's language, stands in place of what it names.
func (k *keeper) fails(want, fake string, args ...string) (said string) {
	k.t.Helper()
	had := k.env
	k.env = append(slices.Clone(had), "FAKE="+fake)
	said, err := k.run("", args...)
	k.env = had
	if err == nil || !strings.Contains(said, want) {
		k.t.Errorf("%q: %v\n%s\nwant %q", args, err, said, want)
	}
	return said
}

func (k *keeper) must(args ...string) string {
	k.t.Helper()
	said, err := k.run("", args...)
	if err != nil {
		log, _ := os.ReadFile(k.settings("log"))
		k.t.Fatalf("%q: %v\n%s\n%s", args, err, said, log)
	}
	return said
}

func (k *keeper) ask(path string, form url.Values, body string) string {
	k.t.Helper()
	response, err := http.Post(fmt.Sprintf("http://127.0.0.1:%d%s?%s", k.port, path, form.Encode()), "", strings.NewReader(body))
	if err != nil {
		k.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 300 {
		k.t.Fatalf("%s %v: %s %s %v", path, form, response.Status, text, err)
	}
	return string(text)
}

func (k *keeper) query(q string) string {
	k.t.Helper()
	return k.ask("/query", url.Values{"db": {"ephor"}, "q": {q}}, "")
}

// write puts points into six shards of an hour each, and into one of a week.
func (k *keeper) write(value int) {
	k.t.Helper()
	for hour := range 6 {
		at := time.Now().Add(-time.Duration(hour) * time.Hour).Unix()
		k.ask("/write", url.Values{"db": {"ephor"}, "precision": {"s"}}, fmt.Sprintf("m,hour=%d v=%d %d", hour, value, at))
	}
	k.ask("/write", url.Values{"db": {"ephor"}, "rp": {"rollup_1m"}, "precision": {"s"}}, fmt.Sprintf("m v=%d %d", value, time.Now().Unix()))
}

// begin makes the database as the schema does, as far as the points are about it.
func (k *keeper) begin() {
	k.t.Helper()
	k.must("certificates_of_the_test")
	k.must("run_store", "loopback")
	k.query("CREATE DATABASE ephor")
	k.query("CREATE RETENTION POLICY raw ON ephor DURATION 7d REPLICATION 1 SHARD DURATION 1h DEFAULT")
	k.query("CREATE RETENTION POLICY rollup_1m ON ephor DURATION 90d REPLICATION 1 SHARD DURATION 7d")
	k.must("backed_up", strconv.FormatInt(time.Now().Unix(), 10), "")
}

// holds waits until the store tells so many points of that value: what is restored is opened after the answer.
func (k *keeper) holds(value int, want string) {
	k.t.Helper()
	var raw, rollup string
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		raw = k.query(fmt.Sprintf("SELECT count(v) FROM m WHERE v = %d", value))
		rollup = k.query(fmt.Sprintf("SELECT count(v) FROM rollup_1m.m WHERE v = %d", value))
		count := strings.Contains(raw, `,`+want+`]`)
		if want == "0" {
			count = !strings.Contains(raw, "values") && !strings.Contains(raw, "error") && !strings.Contains(rollup, "values")
		} else {
			count = count && strings.Contains(rollup, ",1]")
		}
		if count {
			return
		}
		if time.Now().After(deadline) {
			k.t.Fatalf("the store has %s and %s, want %s points of %d", raw, rollup, want, value)
		}
	}
}

// runGroup runs c and what it starts in the foreground as one group, which it kills as soon as a line asks for it.
func runGroup(t *testing.T, c *exec.Cmd, kill func(line string) bool) (said string, err error) {
	t.Helper()
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	r, w := io.Pipe()
	c.Stdout, c.Stderr = w, w
	// What runs in the background has the output no longer, but what a kill left behind may hold it.
	c.WaitDelay = time.Second
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan string)
	go func() {
		var all strings.Builder
		lines := bufio.NewScanner(r)
		for lines.Scan() {
			all.WriteString(lines.Text() + "\n")
			if kill != nil && kill(lines.Text()) {
				killGroup(c)
			}
		}
		read <- all.String()
	}()
	err = c.Wait()
	w.Close()
	return <-read, err
}

func killGroup(c *exec.Cmd) { syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }

// authority is the certificate and, of the key, the public half.
func (k *keeper) authority() string {
	k.t.Helper()
	pem, err := os.ReadFile(k.data("tls/ca.pem"))
	if err != nil {
		k.t.Fatal(err)
	}
	public, err := exec.Command("openssl", "pkey", "-in", k.data("tls/ca.key"), "-pubout").Output()
	if err != nil {
		k.t.Fatal(err)
	}
	return string(pem) + string(public)
}

// again makes the last backup an old one, so that another is due, and waits for the next second: a backup's name is
// its second, and in reality they are hours apart.
func (k *keeper) again() {
	k.t.Helper()
	k.must("backed_up", strconv.FormatInt(time.Now().Add(-10*time.Hour).Unix(), 10), "20000101T000000Z")
	now := time.Now()
	time.Sleep(time.Until(now.Truncate(time.Second).Add(time.Second)))
}
