package profile

import (
	"bytes"
	"strconv"

	"github.com/goccy/go-json"
)

// spells reports whether text, a JSON string in its quotation marks, stands for plain, which is in them, too. It is
// small enough to be inlined: nearly all names are told from plain by their length.
func spells(text []byte, plain string) bool {
	return string(text) == plain || len(text) > len(plain) && spellsEscaped(text, plain)
}

func spellsEscaped(text []byte, plain string) bool {
	const longest = len(`\u0000`) // for one byte of plain
	return len(text) <= longest*len(plain) && escaped(text) && unescaped(text) == plain[1:len(plain)-1]
}

func unquoted(text []byte) []byte {
	if len(text) < 2 {
		return nil
	}
	return text[1 : len(text)-1]
}

func escaped(text []byte) bool { return bytes.IndexByte(text, '\\') >= 0 }

// unescaped is the slow road: hardly anybody escapes what does not have to be.
func unescaped(text []byte) (plain string) {
	_ = json.Unmarshal(text, &plain)
	return plain
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
	if bytes.HasPrefix(value, []byte{'"'}) {
		value = numeric(value)
	}
	if len(value) == 0 || value[0] > '9' {
		return 0
	}
	f, _ := strconv.ParseFloat(string(value), 64) // too large a number is infinite, as in PHP
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

// numeric returns a string without its quotation marks and outer white space. It is empty if it holds a byte that a
// decimal number has not: strconv would take "0x1p4", "1_000" and "Inf".
func numeric(text []byte) []byte {
	if escaped(text) {
		text = []byte(unescaped(text))
	} else {
		text = unquoted(text)
	}
	text = bytes.Trim(text, " \t\n\r\v\f")
	if len(bytes.TrimLeft(text, "+-.0123456789eE")) > 0 {
		return nil
	}
	return text
}
