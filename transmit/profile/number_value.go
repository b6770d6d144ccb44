package profile

import (
	"bytes"
	"strconv"
	"unsafe"
)

// maxNumber is the longest text, in bytes, that is read as a number.
const maxNumber = 1000

// number returns the number in a JSON value. A string counts as the number that PHP's is_numeric sees in it. Any other
// value, and one longer than maxNumber, is 0.
func number(value []byte) float64 {
	if len(value) > maxNumber {
		return 0
	}
	if f, ok := decimal(value); ok {
		return f
	}
	switch {
	case !bytes.HasPrefix(value, []byte{'"'}):
		return parsed(value)
	case escaped(value):
		return escapedNumber(value)
	}
	return parsed(numeric(unquoted(value)))
}

// escapedNumber is a function of its own, so that other calls do not need its large stack frame.
//
//go:noinline
func escapedNumber(text []byte) float64 {
	var room [maxNumber]byte
	return parsed(numeric(unescaped(room[:0], unquoted(text))))
}

func parsed(value []byte) float64 {
	if len(value) == 0 || value[0] > '9' {
		return 0
	}
	f, _ := strconv.ParseFloat(unsafe.String(&value[0], len(value)), 64) // a number that is too large is infinite, as in PHP
	return f
}

// decimal is the fast path for digits with at most one point among them. Up to 15 digits and their power of ten are
// exact in a float64, so the quotient is the number that strconv returns.
func decimal(value []byte) (f float64, ok bool) {
	if len(value) > 15 {
		return 0, false
	}
	var digits, unit uint64
	for _, c := range value {
		switch {
		case c-'0' <= 9:
			digits = digits*10 + uint64(c-'0')
			unit *= 10
		case c == '.' && unit == 0:
			unit = 1
		default:
			return 0, false
		}
	}
	return float64(digits) / float64(max(unit, 1)), true
}

// numeric returns a string without outer white space, or nil if it has a byte that no decimal number has. strconv also
// accepts "0x1p4", "1_000" and "Inf".
func numeric(text []byte) []byte {
	text = bytes.Trim(text, " \t\n\r\v\f")
	if len(bytes.TrimLeft(text, "+-.0123456789eE")) > 0 {
		return nil
	}
	return text
}
