package profile

import "math/bits"

// number passes a number. It is looked at within its first word, which is read once: mostly that holds all of it, or
// all but the last decimals.
func (s *scanner) number(i int) int {
	w := s.word(i)
	if byte(w) == '-' {
		i++
		w = s.word(i)
	}
	others := notDigits(w)
	whole := bits.TrailingZeros64(others) / 8
	if others == 0 || whole == 0 || whole > 1 && byte(w) == '0' {
		return s.longNumber(i)
	}
	c := byte(w >> (8 * whole))
	if c == '.' {
		others &= others - 1
		end := bits.TrailingZeros64(others) / 8
		if others == 0 || end == whole+1 {
			return s.fraction(i + whole)
		}
		if c = byte(w >> (8 * end)); c|0x20 != 'e' {
			return i + end
		}
	}
	if c|0x20 == 'e' {
		return s.fraction(i + whole)
	}
	return i + whole
}

// longNumber passes any number, without its sign.
func (s *scanner) longNumber(i int) int {
	end := s.digits(i)
	if end > i+1 && s.at(i) == '0' {
		return s.fail(ErrSyntax, i+1)
	}
	if c := s.at(end); c == '.' || c|0x20 == 'e' {
		return s.fraction(end)
	}
	return end
}

// fraction passes what follows a number's integer part: fraction, exponent, or both.
func (s *scanner) fraction(i int) int {
	if s.at(i) == '.' {
		i = s.digits(i + 1)
	}
	if s.at(i)|0x20 != 'e' {
		return i
	}
	i++
	if c := s.at(i); c == '+' || c == '-' {
		i++
	}
	return s.digits(i)
}

// digits passes at least one digit.
func (s *scanner) digits(i int) int {
	for from := i; ; i += 8 {
		others := notDigits(s.word(i))
		if others == 0 {
			continue
		}
		i += bits.TrailingZeros64(others) / 8
		if i == from {
			return s.fail(ErrSyntax, i)
		}
		return i
	}
}

// notDigits has the top bit set of the first byte that is no digit, and of those after it, too, as long as they are
// ASCII. With the digits' upper half flipped away, adding 0x76 sets the top bit of all bytes from 10 on; a carry comes
// only from a byte that is not ASCII.
func notDigits(w uint64) uint64 {
	w ^= ones * '0'
	return ((w + ones*0x76) | w) & (ones * 0x80)
}
