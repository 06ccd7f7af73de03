package lambda

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// invalidEntrypoint says in Lambda's words why bootstrap could not be run and, in a line of the log,
// what to do about one that is not for this machine.
func (e *environment) invalidEntrypoint(err error) failure {
	bootstrap := filepath.Join(e.function.service.code.path(e.rev.cfg.CodeSHA256), "bootstrap")
	f := failure{kind: "Runtime.InvalidEntrypoint"}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.message = "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"
		if _, err := os.Stat(bootstrap); err == nil { // a script, and what it names after #! is missing
			f.message = "fork/exec /var/task/bootstrap: no such file or directory"
		}
	case errors.Is(err, syscall.ENOEXEC):
		f.message = "fork/exec /var/task/bootstrap: exec format error"
		e.log.remark(remedy(bootstrap, runtime.GOOS, runtime.GOARCH))
	case errors.Is(err, fs.ErrPermission):
		f.message = "fork/exec /var/task/bootstrap: permission denied"
	default:
		f.message = err.Error()
	}
	return f
}

// machine is Go's name for what an ELF header says in e_machine.
func machine(number uint16) string {
	switch number {
	case 3:
		return "386"
	case 40:
		return "arm"
	case 62:
		return "amd64"
	case 183:
		return "arm64"
	}
	return fmt.Sprintf("a machine of ELF's number %d", number)
}

// remedy says what bootstrap is and how to make one that runs on a machine of goos and goarch.
func remedy(bootstrap, goos, goarch string) string {
	what := "neither a program nor a script that begins with #!"
	if f, err := os.Open(bootstrap); err == nil {
		defer f.Close()
		var head [20]byte
		n, _ := f.Read(head[:])
		switch magic := string(head[:min(n, 4)]); {
		case n == len(head) && magic == "\x7fELF":
			what = "a program for linux/" + machine(binary.LittleEndian.Uint16(head[18:]))
		case magic == "\xcf\xfa\xed\xfe" || magic == "\xca\xfe\xba\xbe":
			what = "a program for darwin"
		case n > 1 && magic[:2] == "MZ":
			what = "a program for windows"
		}
	}
	return fmt.Sprintf("bootstrap is %s, and this machine is %s/%s: build it with GOOS=%s GOARCH=%s, and update the function's code",
		what, goos, goarch, goos, goarch)
}
