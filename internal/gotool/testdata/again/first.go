//go:build !second

package main

const second = false
