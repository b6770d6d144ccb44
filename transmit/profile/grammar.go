package profile

import (
	"encoding/binary"
	"math/bits"
)

// ones has 1 in each byte: ones*c is the byte c eight times.
const ones = 0x0101010101010101

// value passes white space and one value of any type.
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

// members passes an object that nobody visits. As in its like below, what mostly comes next is asked for right here: a
// call for each comma and each string would take a fifth of the time.
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

// elements passes an array that nobody visits.
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

// object passes an object; visit passes each value in it, after its name in its quotation marks.
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

// array passes an array; visit passes each element.
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

// enter passes the bracket that opens an array or an object, and, if there is nothing in it, the one that closes it.
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

// next passes what follows a value in an array or an object: a comma, or the closing bracket.
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

// name passes a member's name, doc[from:to], and the colon. Where it fails, the name is empty.
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

// space passes white space and returns the byte behind it, too.
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

// text passes a string. What is ahead is kept at hand: it moves only when it was read to its end, or by an escape,
// after which the old one is right as well.
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

// notPlain has the top bit set of the first byte that ends a string or needs a look: a quotation mark, a backslash, a
// control character. Subtracting sets the top bit of a byte that is smaller; flipping bit 1 puts the quotation mark
// (0x22) next to the control characters and moves nothing else there. A borrow can mark only bytes above one that is
// marked rightly, and the lowest is the one that counts.
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

// literal passes true, false or null.
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
