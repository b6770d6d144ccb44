package transmit

import (
	"encoding/binary"
	"fmt"
	"time"
)

// MaxDepth is how deep arrays and objects may nest; the outermost has depth 1.
const MaxDepth = 512

// chunk is how many bytes are read between two questions for the time. At 1 GB/s they take a quarter of a millisecond.
const chunk = 256 << 10

// stillDone is how much of a document is checked and copied although time is up: it takes about two milliseconds, and
// a machine so busy that the caller's thread did not run for its whole timeout loses no profile of a usual size.
const stillDone = 2 << 20

// limit is when to stop reading. It is a value and a plain function, not a closure, which would have to be allocated.
type limit struct {
	at     time.Time
	passed func(at time.Time) bool
	free   int // bytes that are read whatever the time
}

// isUp is asked before the byte at i is read.
func (l limit) isUp(i int) bool { return i >= l.free && l.passed(l.at) }

func passed(at time.Time) bool { return !time.Now().Before(at) }

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
	until limit
	fence int // before it, eight bytes can be read without looking at the end or at the time
	depth int
	err   error
}

func newScanner(doc []byte, until limit) scanner {
	return scanner{doc: doc, until: until, fence: min(chunk, len(doc)-7)}
}

// at returns the byte at i, 0 behind the end.
func (s *scanner) at(i int) byte {
	if i < s.fence {
		return s.doc[i]
	}
	return byte(s.wordAtFence(i))
}

// word returns the eight bytes from i on, the first one lowest, 0 for those behind the end.
func (s *scanner) word(i int) uint64 {
	if i < s.fence {
		return binary.LittleEndian.Uint64(s.doc[i:])
	}
	return s.wordAtFence(i)
}

func (s *scanner) wordAtFence(i int) uint64 {
	if s.moveFence(i) {
		return binary.LittleEndian.Uint64(s.doc[i:])
	}
	var tail [8]byte
	if s.err == nil {
		copy(tail[:], s.doc[i:])
	}
	return binary.LittleEndian.Uint64(tail[:])
}

// moveFence reports whether the eight bytes from i on are there and there is time to read them.
func (s *scanner) moveFence(i int) bool {
	last := len(s.doc) - 7
	if s.err != nil || i >= last {
		return false
	}
	if s.until.isUp(i) {
		s.err = ErrTimeUp
		return false
	}
	s.fence = min(i+chunk, last)
	return true
}

// fail notes that the document breaks a rule at i.
func (s *scanner) fail(rule error, i int) int {
	if s.err == nil {
		s.err = fmt.Errorf("%w at byte %d", rule, i)
	}
	return len(s.doc)
}
