package profile

import (
	"bytes"
	"strconv"
	"strings"
)

// spells reports whether text and plain are the same string. Both have quotation marks; text may have escapes. It is
// small enough to be inlined: the length alone rules out nearly all names.
func spells(text []byte, plain string) bool {
	return string(text) == plain || len(text) > len(plain) && spellsEscaped(text, plain)
}

// spellsEscaped allocates nothing, because a document may have a million such names.
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

// unescaped appends text, which has no quotation marks, with its escapes replaced. It returns nil if the result is not
// ASCII or longer than the room in to: the names that we look for and numbers are short and ASCII.
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

// escape returns the ASCII character of the escape at the beginning of text, and the escape's length; a length of 0 means
// that it is not such an escape.
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
