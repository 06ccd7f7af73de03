package monitor

import (
	"encoding/json"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/ephor-io/ephor/laptop/secretsmanager"
)

// TestPasswordsThatCannotBeUsed are refused by the name of their secret, and nothing of them is told.
func TestPasswordsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	k := newKeeper(t, c)
	k.must("run_store", "loopback")
	arn := c.arns["WriterSecret"]
	const grant = `GRANT WRITE ON "ephor" TO "writer"`
	k.query("CREATE DATABASE ephor")
	for _, word := range []string{"geheim'Wort9", `geheim\sWort9`, `geheim"Wort9`, "geheim Wort9", "geheim\nWort9", "geheimWört9", "geheimWort9$", "geheimWort9'; DROP DATABASE ephor; --", ""} {
		text, err := json.Marshal(map[string]string{"username": "writer", "password": word})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.secrets.PutSecretValue(arn, secretsmanager.SecretInput{SecretString: string(text)}, nil); err != nil {
			t.Fatal(err)
		}
		said := k.fails("the password in the secret "+arn+" has to have letters and digits alone", "", "account", "writer", arn, grant)
		if strings.Contains(said, "geheim") || strings.Contains(said, "rt9") {
			t.Errorf("a part of it is told: %s", said)
		}
	}
	// Nor is anything of one that a store would not have for another reason.
	text := `{"username":"writer","password":"geheimWort9"}`
	if _, err := c.secrets.PutSecretValue(arn, secretsmanager.SecretInput{SecretString: text}, nil); err != nil {
		t.Fatal(err)
	}
	said := k.fails("the store does not take the user writer with the password in the secret "+arn, `curl() { printf '{"error":"found geheimWort9"}'; }; password() { word=geheimWort9; }`, "account", "writer", arn, grant)
	if strings.Contains(said, "geheim") {
		t.Errorf("it is told: %s", said)
	}
	k.must("account", "writer", arn, grant)
}

// TestAccountHasItsGrantAlone, whatever somebody has given it since.
func TestAccountHasItsGrantAlone(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	k := newKeeper(t, c)
	k.must("run_store", "loopback")
	k.query("CREATE DATABASE ephor")
	k.query("CREATE DATABASE other")
	account := func() { k.must("account", "writer", c.arns["WriterSecret"], `GRANT WRITE ON "ephor" TO "writer"`) }
	account()
	k.query(`GRANT ALL PRIVILEGES TO "writer"`)
	k.query(`GRANT ALL ON "ephor" TO "writer"`)
	account()
	if got := k.query(`SHOW USERS`); !strings.Contains(got, `["writer",false]`) {
		t.Errorf("the writer is still an administrator: %s", got)
	}
	if got := k.query(`SHOW GRANTS FOR "writer"`); !strings.Contains(got, `["ephor","WRITE"]`) {
		t.Errorf("the writer may %s", got)
	}
}

// TestStoreWithoutPasswordsIsOnLoopbackAlone, and so is the port of its backups, which never asks for one.
func TestStoreWithoutPasswordsIsOnLoopbackAlone(t *testing.T) {
	t.Parallel()
	k := newKeeper(t, newCloud(t))
	k.must("run_store", "loopback")
	backup := ""
	for _, e := range k.env {
		if port, ok := strings.CutPrefix(e, "EPHOR_BACKUP_PORT="); ok {
			backup = port
		}
	}
	for _, port := range []string{strconv.Itoa(k.port), backup} {
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		// All of 127.0.0.0/8 is this machine, so this is another of its addresses.
		if c, err := net.Dial("tcp", "127.0.0.2:"+port); err == nil {
			c.Close()
			t.Errorf("port %s is not on loopback alone", port)
		}
	}
}
