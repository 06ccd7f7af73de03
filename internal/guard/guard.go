// Package guard ends process groups when this process ends, however it ends, SIGKILL included.
//
//	g, err := guard.Start()
//	…
//	err = g.Watch(pid) // a process that was started with Setpgid
//	…
//	g.Forget(pid) // its group is gone, and its pid not yet anybody else's
//	…
//	g.Close() // and nothing of the guard is left
//
// The guard is one shell, whatever the number of groups. It reads from a pipe which group is in
// which slot of its list, and which slots are free again:
//
//	us ── pipe: "0 71", "1 84", "0" ──▶ guard
//	├─▶ group 71, gone                   │ at the pipe's end: SIGKILL
//	└─▶ group 84 ◀───────────────────────┘
//
// The kernel closes the pipe with our last breath. Linux's parent-death signal reaches a child
// and not the child's children, and other systems have none. The guard leads a process group of
// its own and ignores what a terminal or a service manager sends, so that Ctrl-C, which ends us,
// does not end the guard before us.
package guard
