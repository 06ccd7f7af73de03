package sqs

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const crashDir = "EPHOR_TEST_SQS_DIR"

// A process that is killed while it sends has kept every message that it acknowledged.
func TestAKillLosesNoMessage(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv(crashDir); dir != "" {
		s := open(t, dir)
		create(t, s, "q")
		for n := 0; ; n++ {
			send(t, s, "q", fmt.Sprint(n))
			fmt.Printf("sent %d\n", n)
		}
	}
	dir := t.TempDir()
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), crashDir+"="+dir)
	out, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	last := -1
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, err := fmt.Sscanf(lines.Text(), "sent %d", &last); err == nil && last == 40 {
			must(t, child.Process.Kill())
		}
	}
	_ = child.Wait() // it was killed
	if last < 40 {
		t.Fatalf("the child sent %d messages", last+1)
	}
	s := open(t, dir)
	n := 0
	for got := receive(t, s, "q"); len(got) > 0; got = receive(t, s, "q") {
		for _, m := range got {
			if m.Body != fmt.Sprint(n) {
				t.Fatalf("message %d is %q", n, m.Body)
			}
			n++
		}
	}
	if n <= last {
		t.Errorf("%d messages are there of the %d that were acknowledged", n, last+1)
	}
}

// What a restart finds: messages, how often they were received, who else may not have them yet,
// and what a FIFO queue has seen.
func TestReopening(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	create(t, s, "q", "VisibilityTimeout", "3600")
	create(t, s, "f.fifo", "FifoQueue", "true", "ContentBasedDeduplication", "true")
	send(t, s, "q", "deleted", "in-flight", "ready")
	got, err := s.Receive(t.Context(), "q", Receiving{Max: 2})
	must(t, err)
	must(t, s.Delete("q", got[0].ReceiptHandle))
	first, err := s.Send("f.fifo", Sending{Body: "once", Group: "g"})
	must(t, err)
	must(t, s.Delete("f.fifo", wants(t, s, "f.fifo", "once")[0].ReceiptHandle))
	must(t, s.Close())
	if _, err := s.Send("q", Sending{Body: "late"}); err == nil {
		t.Error("a closed service takes messages")
	}

	// A kill in the midst of a line leaves a part of it, which was never acknowledged.
	path := filepath.Join(folder(dir, "q"), "messages.log")
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteString(`{"Put":{"ID":"torn`)
	must(t, err)
	must(t, f.Close())
	s = open(t, dir)
	wants(t, s, "q", "ready")
	must(t, s.ChangeVisibility("q", got[1].ReceiptHandle, 0))
	if again := wants(t, s, "q", "in-flight"); again[0].System["ApproximateReceiveCount"] != "2" {
		t.Errorf("%v", again[0].System)
	}
	second, err := s.Send("f.fifo", Sending{Body: "once", Group: "g"})
	must(t, err)
	if second != first {
		t.Errorf("the same message: %+v, then %+v", first, second)
	}
	wants(t, s, "f.fifo", "")
	send(t, s, "q", "after")
	must(t, s.Close())
	wants(t, open(t, dir), "q", "after")

	must(t, os.WriteFile(path, []byte("rubbish\n"), 0o600))
	if _, err := Open(Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("opening a broken file: %v", err)
	}
}

func TestTheJournalIsWrittenAnew(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	create(t, s, "q")
	send(t, s, "q", "stays")
	hidden := wants(t, s, "q", "stays")
	big := strings.Repeat("x", 900_000)
	for range 12 {
		send(t, s, "q", big)
		must(t, s.Delete("q", wants(t, s, "q", big)[0].ReceiptHandle))
	}
	info, err := os.Stat(filepath.Join(folder(dir, "q"), "messages.log"))
	must(t, err)
	if info.Size() > garbage+1<<20 {
		t.Errorf("the journal of one small message has %d bytes", info.Size())
	}
	must(t, s.ChangeVisibility("q", hidden[0].ReceiptHandle, 0))
	must(t, s.Close())
	s = open(t, dir)
	wants(t, s, "q", "stays")
	must(t, s.Purge("q"))
	must(t, s.Close())
	s = open(t, dir)
	wants(t, s, "q", "")
	must(t, s.DeleteQueue("q"))
	must(t, s.Close())
	if left := open(t, dir).Queues(""); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// Many send at once, and share the disk's syncs; many receive, and no message goes to two.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	create(t, s, "q", "VisibilityTimeout", "3600")
	const senders, each = 8, 25
	for i := range senders {
		go func() {
			for j := range each {
				send(t, s, "q", fmt.Sprintf("%d-%d", i, j))
			}
		}()
	}
	got := map[string]bool{}
	bodies := make(chan string, senders*each)
	for range 4 {
		go func() {
			for {
				messages, err := s.Receive(t.Context(), "q", Receiving{Max: 10, Wait: new(time.Second)})
				if err != nil {
					return // the test is over
				}
				for _, m := range messages {
					if err := s.Delete("q", m.ReceiptHandle); err != nil {
						t.Error(err)
					}
					bodies <- m.Body
				}
			}
		}()
	}
	for range senders * each {
		select {
		case body := <-bodies:
			if got[body] {
				t.Errorf("%s was received twice", body)
			}
			got[body] = true
		case <-time.After(time.Minute):
			t.Fatalf("%d messages of %d", len(got), senders*each)
		}
	}
}
