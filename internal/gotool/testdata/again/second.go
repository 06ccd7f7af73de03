//go:build second

package main

const second = true
