//go:build ephor_lambda

package main

import "github.com/ephor-io/ephor"

func addHooks(*ephor.App, *ephor.Function) {}
