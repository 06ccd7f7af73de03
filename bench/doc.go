// Package bench measures package metrics beside the libraries that do the like, in one run and by
// turns, so that what else a machine does hits all of them alike. It is a module of its own: what
// they need, nobody else does.
//
//	cd bench && go test -run '^$' -bench .
//
// The figures are in docs/figures.md.
package bench
