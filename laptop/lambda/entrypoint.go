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
	case errors.Is(err, errArchitecture):
		f.message = "fork/exec /var/task/bootstrap: exec format error"
		e.log.remark(err.Error())
	case errors.Is(err, fs.ErrPermission):
		f.message = "fork/exec /var/task/bootstrap: permission denied"
	default:
		f.message = err.Error()
	}
	return f
}

// errArchitecture is a program that runs on this machine and would not on the function's.
var errArchitecture = errors.New("on Lambda it would not run")

// checkArchitecture compares a program with the architecture that the function has on Lambda, x86_64 or arm64.
// What is no program of Linux's is left to the system.
func checkArchitecture(bootstrap, architecture string) error {
	declared := map[string]string{"x86_64": "amd64", "arm64": "arm64"}[architecture]
	built := machineOf(bootstrap)
	if built == "" || built == declared {
		return nil
	}
	return fmt.Errorf("bootstrap is a program for linux/%s, and the function's architecture is %s, so %w: declare the one that it is built for (Architectures), or build it with GOOS=linux GOARCH=%s",
		built, architecture, errArchitecture, declared)
}

// machineOf is for which machine a program of Linux's is, and empty for anything else.
func machineOf(bootstrap string) string {
	f, err := os.Open(bootstrap)
	if err != nil { // which the start tells
		return ""
	}
	defer f.Close()
	var head [20]byte
	if n, _ := f.Read(head[:]); n < len(head) || string(head[:4]) != "\x7fELF" {
		return ""
	}
	return machine(binary.LittleEndian.Uint16(head[18:]))
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
	if machine := machineOf(bootstrap); machine != "" {
		what = "a program for linux/" + machine
	} else if f, err := os.Open(bootstrap); err == nil {
		defer f.Close()
		var head [4]byte
		n, _ := f.Read(head[:])
		switch magic := string(head[:n]); {
		case magic == "\xcf\xfa\xed\xfe" || magic == "\xca\xfe\xba\xbe":
			what = "a program for darwin"
		case n > 1 && magic[:2] == "MZ":
			what = "a program for windows"
		}
	}
	return fmt.Sprintf("bootstrap is %s, and this machine is %s/%s: build it with GOOS=%s GOARCH=%s, and update the function's code",
		what, goos, goarch, goos, goarch)
}
