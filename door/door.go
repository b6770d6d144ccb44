// Package door is the front door, in C: the functions of include/transmit.h, the start of Go at
// the first call that needs it, the counters, and the send that needs no Go. It alone is exported
// from the library; what it leaves to Go is in package main, export.go.
package door

// #cgo CFLAGS: -std=gnu11 -Wall -Wextra -Wno-unused-parameter
import "C"
