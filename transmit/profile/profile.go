// Package profile reads one JSON document without decoding it. It checks the document, finds its "_meta", and plans what
// to remove when the document is too large. Its functions are pure: they make no system call, and the caller passes the
// function that looks at the clock.
//
// Start with [Check].
package profile

import "errors"

// Why a document is refused. Check wraps one of these errors and adds the position of the fault.
var (
	ErrSyntax    = errors.New("not valid JSON")
	ErrNotObject = errors.New("not a JSON object")
	ErrDepth     = errors.New("nested too deep")
	ErrUTF8      = errors.New("not valid UTF-8")
)

// ErrTimeUp means that the deadline passed before the document was read.
var ErrTimeUp = errors.New("time is up")
