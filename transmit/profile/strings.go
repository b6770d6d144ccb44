package profile

import (
	"bytes"
	"strconv"
	"strings"
	"unsafe"
)

// spells reports whether text, a JSON string in its quotation marks, stands for plain, which is in them, too. It is
// small enough to be inlined: nearly all names are told from plain by their length.
func spells(text []byte, plain string) bool {
	return string(text) == plain || len(text) > len(plain) && spellsEscaped(text, plain)
}

// spellsEscaped allocates nothing: a document may have a million such names.
func spellsEscaped(text []byte, plain string) bool {
	const longest = len(`\u0000`) // for one byte of plain
	if len(text) > longest*len(plain) || !escaped(text) {
		return false
	}
	var room [32]byte
	return string(unescaped(room[:0], unquoted(text))) == plain[1:len(plain)-1]
}

func unquoted(text []byte) []byte {
	if len(text) < 2 {
		return nil
	}
	return text[1 : len(text)-1]
}

func escaped(text []byte) bool { return bytes.IndexByte(text, '\\') >= 0 }

// unescaped appends the ASCII characters that text, without its quotation marks, stands for.
// It is nil for one that has others, or more than to has room for: no name that is looked
// for and no number is such.
func unescaped(to, text []byte) []byte {
	for len(text) > 0 {
		char, size := text[0], 1
		if char == '\\' {
			char, size = escape(text)
		}
		if size == 0 || char >= 0x80 || len(to) == cap(to) {
			return nil
		}
		to, text = append(to, char), text[size:]
	}
	return to
}

// escape is the ASCII character that the escape at the beginning of text stands for, and how long
// it is; 0: it is no such escape.
func escape(text []byte) (char byte, size int) {
	if len(text) < 2 {
		return 0, 0
	}
	if i := strings.IndexByte(`"\/bfnrt`, text[1]); i >= 0 {
		return "\"\\/\b\f\n\r\t"[i], 2
	}
	if text[1] != 'u' || len(text) < 6 {
		return 0, 0
	}
	code, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	if err != nil || code >= 0x80 {
		return 0, 0
	}
	return byte(code), 6
}

// maxNumber is how long a number may be written, in bytes. A longer one would only cost time.
const maxNumber = 1000

// number returns what a JSON value is worth as a number: a string as much as the number that PHP's is_numeric would
// see in it, 0 for what is no number or takes more than maxNumber.
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

// escapedNumber is apart, for its room is large.
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
	f, _ := strconv.ParseFloat(unsafe.String(&value[0], len(value)), 64) // too large a number is infinite, as in PHP
	return f
}

// decimal is the short road for what most numbers are: digits, and at most one point among them. Up to 15 digits and
// their power of ten are exact in a float64, so the quotient is the one that strconv rounds to.
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

// numeric is a string without outer white space. It is nil if it holds a byte that a
// decimal number has not: strconv would take "0x1p4", "1_000" and "Inf".
func numeric(text []byte) []byte {
	text = bytes.Trim(text, " \t\n\r\v\f")
	if len(bytes.TrimLeft(text, "+-.0123456789eE")) > 0 {
		return nil
	}
	return text
}
