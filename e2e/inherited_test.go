package e2e

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"github.com/ephor-io/ephor/internal/uptest"
)

// A file that the shell has open is open in `up`, which cannot help it, and in nothing that it starts.
func TestFilesOfTheShell(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("open files are read from /proc, which Linux has")
	}
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	shell := filepath.Join(dir, "shell")
	text := "#!/bin/sh\nexec 7>" + secret + "\nexec " + helloProgram(t) + " \"$@\"\n"
	if err := os.WriteFile(shell, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	a := up(t, uptest.Root(t), shell, filepath.Join(dir, "state"))
	if status, body := a.Get("/hello/grafana"); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	own := a.Cmd.Process.Pid
	if !slices.Contains(openFiles(own), secret) {
		t.Fatalf("up itself has %q", openFiles(own))
	}
	children := childrenOf(t, own)
	if len(children) < 2 {
		t.Fatalf("up has the children %v: a guard and a function at least", children)
	}
	for _, pid := range children {
		if files := openFiles(pid); slices.Contains(files, secret) {
			t.Errorf("process %d, which up has started, has %q", pid, files)
		}
	}
}

// openFiles are those of a process, none of one that has ended.
func openFiles(pid int) (files []string) {
	links, _ := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "fd", "*")) // the pattern is a good one
	for _, link := range links {
		if file, err := os.Readlink(link); err == nil {
			files = append(files, file)
		}
	}
	return files
}

// childrenOf are the processes that a process has started and that live.
func childrenOf(t *testing.T, pid int) (children []int) {
	t.Helper()
	lists, err := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "task", "*", "children"))
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended
		}
		for _, word := range bytes.Fields(text) {
			child, err := strconv.Atoi(string(word))
			if err != nil {
				t.Fatal(err)
			}
			children = append(children, child)
		}
	}
	return children
}
