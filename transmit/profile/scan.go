package profile

import (
	"encoding/binary"
	"fmt"
	"time"
)

// MaxDepth is how deep arrays and objects may nest; the outermost has depth 1.
const MaxDepth = 512

// chunk is how many bytes are read between two looks at the clock: a quarter of a millisecond at 1 GB/s.
const chunk = 256 << 10

// Limit is when to stop reading. It holds a time and a function of it, because a closure would have to be allocated.
type Limit struct {
	At     time.Time
	Passed func(at time.Time) bool
	Free   int // so many bytes are read even after At
}

// IsUp tells whether to stop before the byte at i.
func (l Limit) IsUp(i int) bool { return i >= l.Free && l.Passed(l.At) }

// span is doc[from:to].
type span struct{ from, to int }

func (s span) of(doc []byte) []byte { return doc[s.from:s.to] }

// scanner reads a document by the grammar of RFC 8259. Each method takes the position of what it is named after and
// returns the position behind that. Strings may hold any byte from 0x80 on: checkUTF8 checks those.
//
// No method checks for errors in between. The first fault is kept in err, and the position after a fault is the end of
// the document. Bytes behind the end, and all bytes after the limit has passed, read as 0. No rule of the grammar
// accepts a 0, so all rules end at once.
type scanner struct {
	doc   []byte
	ahead []byte // the part of doc up to the next look at the clock
	until Limit
	depth int
	err   error
}

func newScanner(doc []byte, until Limit) scanner {
	return scanner{doc: doc, ahead: doc[:min(chunk, len(doc))], until: until}
}

// at returns the byte at i, or 0 behind the end.
func (s *scanner) at(i int) byte {
	if uint(i) < uint(len(s.ahead)) {
		return s.ahead[i]
	}
	return byte(s.wordFurther(i))
}

// word returns the eight bytes from i on, the first one lowest, with 0 for those behind the end.
func (s *scanner) word(i int) uint64 {
	if i >= 0 && i < len(s.ahead)-7 { // in this form the compiler leaves out its own bounds check
		return binary.LittleEndian.Uint64(s.ahead[i:])
	}
	return s.wordFurther(i)
}

func (s *scanner) wordFurther(i int) uint64 {
	if s.lookAhead(i) {
		return binary.LittleEndian.Uint64(s.doc[i:])
	}
	var tail [8]byte
	if s.err == nil {
		copy(tail[:], s.doc[i:])
	}
	return binary.LittleEndian.Uint64(tail[:])
}

// lookAhead extends ahead, unless the limit has passed or fewer than eight bytes are left at i.
func (s *scanner) lookAhead(i int) bool {
	if s.err != nil || i >= len(s.doc)-7 {
		return false
	}
	if s.until.IsUp(i) {
		s.err = ErrTimeUp
		s.ahead = nil
		return false
	}
	s.ahead = s.doc[:min(i+chunk, len(s.doc))]
	return true
}

// fail records that the document breaks a rule at i, and returns the end of the document.
func (s *scanner) fail(rule error, i int) int {
	if s.err == nil {
		s.err = fmt.Errorf("%w at byte %d", rule, i)
	}
	return len(s.doc)
}
