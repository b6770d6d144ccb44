// Package transmit takes one profile to the listener, or to the disk buffer when
// the listener does not take it, before a deadline.
//
// Start with [Transmitter.Send]. Whatever happens to a profile happens there, in
// this order: it is checked and gets its _meta (document.go), it is offered to
// the listener's socket (listener.go), and it is handed to the writer (writer.go).
//
// The package must not make the Go runtime start its network poller, as timers,
// package os's files and package net do: a host that closes all descriptors, as
// daemons do, would close the poller's, and the runtime aborts the process then.
package transmit

import (
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Outcome says where a profile is.
type Outcome int

const (
	Sent     Outcome = iota // in the listener's socket
	Buffered                // a whole file in the disk buffer
	Pending                 // in memory, on its way to the disk buffer
	Lost                    // refused or lost
)

// Request is one profile and what its sender wants for it.
type Request struct {
	JSON    []byte        // not kept after Send returns
	Socket  string        // the listener's path, not kept; "" for the configured one
	Trusted bool          // JSON is one valid object without _meta: do not check it
	AsIs    bool          // do not check it, add _meta or cut it
	ToDisk  bool          // do not try the listener
	NoWait  bool          // do not wait for the disk
	Timeout time.Duration // 0 for the configured one
	Spent   time.Duration // of Timeout, before Send was called
}

func (r Request) timeout(s *settings) time.Duration {
	if r.Timeout > 0 {
		return r.Timeout
	}
	return s.timeout
}

// wakeUp is what of a timeout is left for a thread that has waited to run again,
// on a busy machine.
func wakeUp(timeout time.Duration) time.Duration {
	return min(timeout/25, 2*time.Millisecond)
}

// diskReserve is what of a timeout is kept for the disk when the listener does
// not answer.
func diskReserve(timeout time.Duration) time.Duration {
	return min(timeout/5, 10*time.Millisecond)
}

// Transmitter sends profiles. Any number of goroutines may use it.
type Transmitter struct {
	settings  atomic.Pointer[settings]
	configure sync.Mutex // held by Configure
	listeners listeners
	attention attention
	writer    *writer

	publishTarget func(*Target) // nil: nobody wants it
}

// New returns a Transmitter with the default settings and starts its writer,
// which runs as long as the process does. The disk buffer may use the directory
// temp.
func New(temp string) *Transmitter {
	debug.SetGCPercent(-1) // see garbage
	t := &Transmitter{writer: newWriter()}
	t.writer.replayer.dueChanged = t.updateWanted
	t.listeners.backoffChanged = t.backoffChanged
	t.settings.Store(defaultSettings(temp, &t.listeners))
	return t
}

// Send takes a profile to the listener or to the disk buffer.
//
//	outcome   err
//	Sent      nil
//	Buffered  why the listener did not take it, and in which directory it is
//	Pending   the same, and that the disk is slow, or was not waited for
//	Lost      why it was refused (profile.ErrSyntax, …), or neither listener nor disk took it
//
// It blocks for the timeout at most, whatever listener and disk do. A profile
// that fits and that the listener takes at once costs no allocation, no lock and
// no other goroutine.
func (t *Transmitter) Send(r Request) (Outcome, error) {
	s := t.settings.Load()
	now := time.Now()

	doc, err := newDocument(r, s, now)
	if err != nil {
		t.writer.countGarbage()
		return Lost, err
	}
	var scratch [maxMeta]byte
	whole := doc.whole(scratch[:0])
	out, unsent, err := t.offer(&doc, whole[:], r, s)
	if doc.isCut {
		t.writer.countGarbage()
	}
	if err != nil {
		return Lost, err
	}
	if unsent == nil {
		t.writer.replayer.arrived(s, now)
		return Sent, nil
	}
	t.writer.replayer.missed(s, unsent)
	noWait := r.NoWait || !s.waitsForDisk && !r.ToDisk
	return t.writer.write(out, doc.deadline, s.bufferFor(r.Socket), unsent, noWait)
}

// Flush waits until no profile is pending, or for the timeout. It returns
// whether none is.
func (t *Transmitter) Flush(timeout time.Duration) bool {
	return t.writer.flush(time.Now().Add(timeout))
}
