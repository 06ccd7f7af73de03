package storetest_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ephor-io/ephor/internal/storetest"
	"github.com/ephor-io/ephor/metrics"
)

// openGemini, as one program on one machine.
//
// https://docs.opengemini.org
func TestOpenGemini(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Store {
		address := startOpenGemini(t)
		createDatabase(t, http.DefaultClient, address, "", "ephor")
		return storetest.Store{
			Config: metrics.Config{URL: address}, Database: "ephor", Lags: true,
			Except: map[string]string{
				"malformed": "a line that cannot be read is left out, and the answer is 204: nobody is told",
				"conflicts": "of however many points that do not fit it says dropped=1",
				"names":     "measurements with a comma are refused, as a partial write",
			},
			Create: func(t *testing.T, name string) { createDatabase(t, http.DefaultClient, address, "", name) },
		}
	})
}

// startOpenGemini starts an openGemini of the test's own, which ends with it.
func startOpenGemini(t *testing.T) (address string) {
	t.Helper()
	program := storeProgram(t, "ts-server")
	// Its parts have to know each other's ports, so none can be 0; one that was free a moment ago may
	// be another's by then.
	for range 5 {
		dir := t.TempDir()
		addresses := freeAddresses(t, 8)
		config := strings.ReplaceAll(fmt.Sprintf(openGeminiConfig, addresses...), "DIR", dir)
		if err := os.WriteFile(filepath.Join(dir, "conf"), []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		address := "http://" + addresses[3].(string)
		c := exec.Command(program, "-config", filepath.Join(dir, "conf"))
		if runStore(t, c, dir, func(string) bool { return answersQueries(address) }) {
			return address
		}
	}
	t.Fatal("openGemini did not start")
	return ""
}

// openGeminiConfig is what differs from how it would run by itself: places, and no more parts than needed.
const openGeminiConfig = `
[common]
  meta-join = [%[3]q]
[meta]
  bind-address = %[1]q
  http-bind-address = %[2]q
  rpc-bind-address = %[3]q
  dir = "DIR/meta"
[http]
  bind-address = %[4]q
  flight-address = %[5]q
[data]
  store-ingest-addr = %[6]q
  store-select-addr = %[7]q
  store-data-dir = "DIR/data"
  store-wal-dir = "DIR/data"
  store-meta-dir = "DIR/meta"
[logging]
  path = "DIR/logs"
[gossip]
  enabled = false
[monitor]
  store-enabled = false
[record-write]
  enabled = false
  rpc-address = %[8]q
`

func freeAddresses(t *testing.T, n int) (all []any) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		all = append(all, l.Addr().String())
	}
	return all
}

func answersQueries(address string) bool {
	response, err := http.Get(address + "/query?q=SHOW+DATABASES")
	if err != nil {
		return false
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return err == nil && response.StatusCode == http.StatusOK && !strings.Contains(string(text), `"error"`)
}
