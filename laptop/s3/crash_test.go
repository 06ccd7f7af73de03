package s3

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

const crashDir = "EPHOR_TEST_S3_DIR"

// textOf is what the n-th object under a key holds: long, and different for every n.
func textOf(n int) string { return strings.Repeat(fmt.Sprintf("%08d", n), 40000) }

// A process that is killed while it stores objects has stored all those that it acknowledged, and
// of the one it was at all or nothing.
func TestAKillLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv(crashDir); dir != "" {
		s := openService(t, dir)
		newBucketNamed(t, s, "bkt")
		for n := 0; ; n++ {
			store(t, s, "bkt", "same", textOf(n))
			store(t, s, "bkt", fmt.Sprint(n), textOf(n))
			fmt.Printf("stored %d\n", n)
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
		if _, err := fmt.Sscanf(lines.Text(), "stored %d", &last); err == nil && last == 12 {
			must(t, child.Process.Kill())
		}
	}
	_ = child.Wait() // it was killed
	if last < 12 {
		t.Fatalf("the child stored %d objects", last+1)
	}
	s := openService(t, dir)
	for n := range last + 1 {
		if read(t, s, "bkt", fmt.Sprint(n), "") != textOf(n) {
			t.Errorf("object %d is another than was acknowledged", n)
		}
	}
	same := read(t, s, "bkt", "same", "")
	var n int
	if _, err := fmt.Sscanf(same[:8], "%d", &n); err != nil || n < last || same != textOf(n) {
		t.Errorf("the object that was replaced over and over is of n = %d after %d: %v", n, last, err)
	}
	list, err := s.ListObjects(ListInput{Bucket: "bkt"})
	must(t, err)
	if got := files(t, dir, "bkt", "blobs"); got != len(list.Objects) {
		t.Errorf("%d blobs of %d objects", got, len(list.Objects))
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openService(t, dir)
	newBucketNamed(t, s, "bkt")
	store(t, s, "bkt", "k", textOf(0))
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() { store(t, s, "bkt", "k", textOf(n)) })
		wg.Go(func() {
			got := read(t, s, "bkt", "k", "")
			var m int
			if _, err := fmt.Sscanf(got[:8], "%d", &m); err != nil || got != textOf(m) {
				t.Errorf("a reader got a mixture of objects: %v", err)
			}
		})
		wg.Go(func() {
			if _, err := s.ListObjects(ListInput{Bucket: "bkt"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := files(t, dir, "bkt", "blobs"); n != 1 {
		t.Errorf("%d blobs of one object", n)
	}
}
