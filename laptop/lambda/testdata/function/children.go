package main

import (
	"syscall"
	"time"
)

// children starts processes, and ends them when all are there or one could not be started. If all
// are there, that takes a while: whoever watches has the time to see it. They take no descriptors, of
// which there is a limit too.
func children(n int) map[string]any {
	var all []int
	answer := map[string]any{}
	for range n {
		pid, err := syscall.ForkExec("/bin/sleep", []string{"sleep", "1000"}, &syscall.ProcAttr{})
		if err != nil {
			answer["error"] = err.Error()
			break
		}
		all = append(all, pid)
	}
	if len(all) == n {
		time.Sleep(15 * time.Second)
	}
	for _, pid := range all {
		syscall.Kill(pid, syscall.SIGKILL)
		syscall.Wait4(pid, nil, 0, nil)
	}
	answer["started"] = len(all)
	return answer
}
