// Package door is the front door, in C. It implements the functions of include/transmit.h, starts Go at the first call
// that needs it, sends without Go where that is possible, and has the counters. The library exports nothing else. Go's
// side of each call is in export.go.
package door

// #cgo CFLAGS: -std=gnu11 -Wall -Wextra -Wno-unused-parameter
import "C"
