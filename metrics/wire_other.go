//go:build !unix

package metrics

// isSilent cannot tell here; a connection that has ended is noticed by its use.
func isSilent(uintptr) bool { return true }
