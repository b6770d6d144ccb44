package profile

import (
	"encoding/binary"
	"fmt"
	"time"
)

// MaxDepth is how deep arrays and objects may nest; the outermost has depth 1.
const MaxDepth = 512

// chunk is how many bytes are read between two questions for the time. At 1 GB/s they take a quarter of a millisecond.
const chunk = 256 << 10

// Limit is when to stop reading. It is a value and a plain function, not a closure, which would have to be allocated.
type Limit struct {
	At     time.Time
	Passed func(at time.Time) bool
	Free   int // bytes that are read whatever the time
}

// IsUp is asked before the byte at i is read.
func (l Limit) IsUp(i int) bool { return i >= l.Free && l.Passed(l.At) }

// span is doc[from:to].
type span struct{ from, to int }

func (s span) of(doc []byte) []byte { return doc[s.from:s.to] }

// scanner walks a document by the grammar of RFC 8259. Its methods take the position of what they are named after and
// return the position after it; strings may hold any bytes from 0x80, so UTF-8 is looked at elsewhere.
//
// Nobody asks in between whether something went wrong: the first fault is kept in err, and the position after a fault
// is the end of the document. There, and from where time was up, bytes read as 0, which no rule of the grammar takes,
// so all of them end at once.
type scanner struct {
	doc   []byte
	ahead []byte // doc as far as it can be read without asking for the time
	until Limit
	depth int
	err   error
}

func newScanner(doc []byte, until Limit) scanner {
	return scanner{doc: doc, ahead: doc[:min(chunk, len(doc))], until: until}
}

// at returns the byte at i, 0 behind the end.
func (s *scanner) at(i int) byte {
	if uint(i) < uint(len(s.ahead)) {
		return s.ahead[i]
	}
	return byte(s.wordFurther(i))
}

// word returns the eight bytes from i on, the first one lowest, 0 for those behind the end.
func (s *scanner) word(i int) uint64 {
	if i >= 0 && i < len(s.ahead)-7 { // as the compiler needs it to leave out its own question
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

// lookAhead reports whether the eight bytes from i on are there and there is time to read them.
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

// fail notes that the document breaks a rule at i.
func (s *scanner) fail(rule error, i int) int {
	if s.err == nil {
		s.err = fmt.Errorf("%w at byte %d", rule, i)
	}
	return len(s.doc)
}
