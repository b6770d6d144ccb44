package profile

import (
	"encoding/binary"
	"math/bits"
)

// ones has 1 in each byte: ones*c is the byte c eight times.
const ones = 0x0101010101010101

// value skips white space and one value of any type.
func (s *scanner) value(i int) int {
	c := s.at(i)
	if c <= ' ' {
		i, c = s.space(i)
	}
	switch {
	case c == '"':
		return s.text(i)
	case c == '-' || c-'0' <= 9:
		return s.number(i)
	case c == '{':
		return s.members(i)
	case c == '[':
		return s.elements(i)
	}
	return s.literal(i)
}

// members skips an object. Like the functions below, it tests for the most frequent next byte inline: a call for each
// comma and each string would take a fifth of the time.
func (s *scanner) members(i int) int {
	i, more := s.enter(i, '}')
	for more {
		_, i = s.name(i)
		if s.at(i) == '"' {
			i = s.text(i)
		} else {
			i = s.value(i)
		}
		if s.at(i) == ',' {
			i++
			continue
		}
		i, more = s.next(i, '}')
	}
	return i
}

// elements skips an array.
func (s *scanner) elements(i int) int {
	i, more := s.enter(i, ']')
	for more {
		i = s.value(i)
		if s.at(i) == ',' {
			i++
			continue
		}
		i, more = s.next(i, ']')
	}
	return i
}

// object reads an object and calls visit for each member, with the name in its quotation marks. visit skips the value.
func (s *scanner) object(i int, visit func(name []byte, i int) int) int {
	i, more := s.enter(i, '}')
	for more {
		name, value := s.name(i)
		if s.at(value) <= ' ' {
			value, _ = s.space(value)
		}
		i = visit(name.of(s.doc), value)
		if s.at(i) == ',' {
			i++
			continue
		}
		i, more = s.next(i, '}')
	}
	return i
}

// array reads an array and calls visit for each element. visit skips the element.
func (s *scanner) array(i int, visit func(i int) int) int {
	i, more := s.enter(i, ']')
	for more {
		if s.at(i) <= ' ' {
			i, _ = s.space(i)
		}
		i = visit(i)
		i, more = s.next(i, ']')
	}
	return i
}

// enter skips the bracket that opens an array or object, and the closing one if there is nothing in between.
func (s *scanner) enter(i int, closing byte) (next int, more bool) {
	if s.depth++; s.depth > MaxDepth {
		return s.fail(ErrDepth, i), false
	}
	i++
	c := s.at(i)
	if c <= ' ' {
		i, c = s.space(i)
	}
	if c == closing {
		s.depth--
		return i + 1, false
	}
	return i, true
}

// next skips what follows a value in an array or object: a comma, or the closing bracket.
func (s *scanner) next(i int, closing byte) (next int, more bool) {
	c := s.at(i)
	if c <= ' ' {
		i, c = s.space(i)
	}
	switch c {
	case ',':
		return i + 1, true
	case closing:
		s.depth--
		return i + 1, false
	}
	return s.fail(ErrSyntax, i), false
}

// name skips a member's name and the colon. The span is the name's, and empty after a fault.
func (s *scanner) name(i int) (name span, value int) {
	c := s.at(i)
	if c <= ' ' {
		i, c = s.space(i)
	}
	if c != '"' {
		return span{}, s.fail(ErrSyntax, i)
	}
	end := s.text(i)
	if s.at(end) == ':' {
		return span{i, end}, end + 1
	}
	colon, c := s.space(end)
	if c != ':' {
		return span{}, s.fail(ErrSyntax, colon)
	}
	return span{i, end}, colon + 1
}

// space skips white space and also returns the byte behind it.
func (s *scanner) space(i int) (next int, c byte) {
	for {
		switch c = s.at(i); c {
		case ' ', '\n', '\t', '\r':
			i++
		default:
			return i, c
		}
	}
}

// text skips a string. It keeps s.ahead in a local variable. s.ahead changes only when its end is reached, or in
// escape, after which the old slice is valid as well.
func (s *scanner) text(i int) int {
	ahead := s.ahead
	for i++; ; {
		var w uint64
		if i >= 0 && i < len(ahead)-7 {
			w = binary.LittleEndian.Uint64(ahead[i:])
		} else {
			w = s.wordFurther(i)
			ahead = s.ahead
		}
		found := notPlain(w)
		if found == 0 {
			i += 8
			continue
		}
		shift := bits.TrailingZeros64(found) &^ 7
		i += shift / 8
		switch byte(w >> shift) {
		case '"':
			return i + 1
		case '\\':
			i = s.escape(i)
		default:
			return s.fail(ErrSyntax, i)
		}
	}
}

// notPlain sets the top bit of the first byte that is a quotation mark, a backslash or a control character.
// A subtraction sets the top bit of each byte that is smaller. Flipping bit 1 puts the quotation mark (0x22) next to the
// control characters, and no other byte. A borrow changes only bytes above a correct one, and callers use the lowest.
func notPlain(w uint64) uint64 {
	return (((w ^ ones*2) - ones*0x21) | ((w ^ ones*'\\') - ones)) &^ w & (ones * 0x80)
}

func (s *scanner) escape(i int) int {
	switch s.at(i + 1) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		return s.hex4(i + 2)
	}
	return s.fail(ErrSyntax, i+1)
}

func (s *scanner) hex4(i int) int {
	for end := i + 4; i < end; i++ {
		c := s.at(i)
		if c-'0' > 9 && (c|0x20)-'a' > 5 {
			return s.fail(ErrSyntax, i)
		}
	}
	return i
}

// literal skips true, false or null.
func (s *scanner) literal(i int) int {
	w := s.word(i)
	switch {
	case uint32(w) == 't'|'r'<<8|'u'<<16|'e'<<24, uint32(w) == 'n'|'u'<<8|'l'<<16|'l'<<24:
		return i + 4
	case w<<24 == ('f'|'a'<<8|'l'<<16|'s'<<24|'e'<<32)<<24:
		return i + 5
	}
	return s.fail(ErrSyntax, i)
}
