// Package profile reads one JSON document without decoding it: whether it is valid, where its "_meta" is, and what to
// cut when it is too large. Pure functions of bytes, without system calls; what asks for the time is the caller's.
//
// Start with [Check].
package profile

import "errors"

// Why a document is refused. What Check returns wraps one of them and adds the byte where it was seen.
var (
	ErrSyntax    = errors.New("not valid JSON")
	ErrNotObject = errors.New("not a JSON object")
	ErrDepth     = errors.New("nested too deep")
	ErrUTF8      = errors.New("not valid UTF-8")
)

// ErrTimeUp ends the work on a document whose caller cannot wait any longer.
var ErrTimeUp = errors.New("time is up")
