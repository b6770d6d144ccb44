package profile

import "math/bits"

// number skips a number. It reads one word, which mostly holds the whole number or all but the last decimals.
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

// longNumber skips any number, without its sign.
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

// fraction skips what follows the integer part of a number: fraction, exponent, or both.
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

// digits skips one or more digits.
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

// notDigits sets the top bit of the first byte that is not a digit, and of later such bytes while all are ASCII.
// The XOR maps the digits to 0 to 9. Adding 0x76 then sets the top bit of each byte from 10 on. Only a byte that is not
// ASCII causes a carry.
func notDigits(w uint64) uint64 {
	w ^= ones * '0'
	return ((w + ones*0x76) | w) & (ones * 0x80)
}
