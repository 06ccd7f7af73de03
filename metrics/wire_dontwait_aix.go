package metrics

import "syscall"

// dontWait is AIX's name for what is MSG_DONTWAIT elsewhere.
const dontWait = syscall.MSG_NONBLOCK
