// Package transmit takes one profile to the listener, or to the disk buffer when
// the listener does not take it, before a deadline.
//
// Most profiles never come here: door/try_send.c sends them without Go. While the listener is
// away, door/hand_over.c gives them to the writer. The others come to [Transmitter.Send]: documents
// that must be checked or shrunk, or that have to wait for the listener. Send has three steps:
//
//	step                                     file
//	check the document, and add its _meta    document.go, profile/
//	send it to the listener                  offer.go, listener.go, listener/socket.go, listener/errno.go
//	  wait for room in its queue             listener.go, backoff.go
//	  shrink a document that is too large    document.go, profile/shrink.go
//	  pass it as a memfd instead             memfd.go, listener/file.go
//	else hand a copy to the writer           writer.go; package buffer writes the file
//
// The other files serve these steps:
//
//	settings.go, setting_values.go, user.go  the settings, their JSON, the user of listener_user
//	oversize.go                              the setting oversize, and the limits of known listeners
//	replay.go, replay_worker.go              send what is in the disk buffer: the API, the work
//	direct.go                                what C must know to send without Go, and when it may
//	handed_over.go                           profiles that callers in C give to the writer: door/hand_over.c
//	latch.go                                 put threads to sleep and wake them
//	memory.go, garbage.go                    copies outside Go's heap; when to collect that heap
//	privileges.go                            drop the capabilities that a caller does not have
//	counter.go                               what transmit_stats counts
//
// wakeUp and diskReserve, below, split the time of a call; docs/internals.md has the other places that do.
//
// The package must not make the Go runtime start its network poller, as timers, package os's files and package net do.
// A host that closes all descriptors, as daemons do, would close the poller's, and the runtime would abort the process.
package transmit

import (
	"fmt"
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
	NotTaken                // refused, or lost: neither the listener nor the disk took it
)

// SendRequest is one profile and the choices of its sender.
type SendRequest struct {
	JSON     []byte        // Send keeps no reference to it
	Settings []byte        // as of Configure, which Send calls first; nil: the current ones
	Listener []byte        // room for the path of the listener that Settings name, or nil
	Socket   string        // the listener's path, not kept either; "" for the configured one
	Trusted  bool          // JSON is one valid object without _meta: do not check it
	AsIs     bool          // do not check it, add _meta or shrink it
	ToDisk   bool          // do not try the listener
	NoWait   bool          // do not wait for the disk
	Timeout  time.Duration // 0 for the configured one
	Spent    time.Duration // the part of Timeout that passed before Send was called
}

func (r SendRequest) timeout(s *settings) time.Duration {
	if r.Timeout > 0 {
		return r.Timeout
	}
	return s.timeout
}

// wakeUp is the part of the timeout that is reserved for scheduling delay: a busy machine runs a thread late.
func wakeUp(timeout time.Duration) time.Duration {
	return min(timeout/25, 2*time.Millisecond)
}

// diskReserve is the part of the timeout that is reserved for the disk when the listener does not take the profile.
func diskReserve(timeout time.Duration) time.Duration {
	return min(timeout/5, 10*time.Millisecond)
}

// Transmitter sends profiles. Any number of goroutines may use it.
type Transmitter struct {
	settings   atomic.Pointer[settings]
	known      knownSettings
	configure  sync.Mutex // held by Configure
	listeners  listeners
	wantsSends wantsSends
	writer     *writer

	publishTarget func(*Target) // called after a change of settings: OnTarget; nil: no one wants to know
}

// New returns a Transmitter with the default settings, and starts its writer, which runs as long as the process does.
// temp is the system's directory for temporary files.
func New(temp string) *Transmitter { return NewFor(noCallers(), temp) }

// NewFor is New for a program in which callers in C give profiles to the writer.
func NewFor(callers *Callers, temp string) *Transmitter {
	debug.SetGCPercent(-1) // the writer collects garbage instead: garbage.go
	t := &Transmitter{}
	t.writer = newWriter(callers, &t.known)

	// While a replay is due or a back-off lasts, C must leave all sends to Go.
	t.writer.replayer.dueChanged = t.updateWantsSends
	t.listeners.backoffChanged = t.backoffChanged
	t.settings.Store(defaultSettings(temp, &t.listeners))
	t.known.number(t.settings.Load())
	go t.writer.run()
	return t
}

// Send sends a profile to the listener, or writes it to the disk buffer.
//
//	outcome   err
//	Sent      nil
//	Buffered  why the listener did not take it, and the directory of its file
//	Pending   why the listener did not take it, and that the disk is slow or was not waited for
//	NotTaken  why it was refused (profile.ErrSyntax, …), or why neither the listener nor the disk took it
//
// It blocks for the timeout at most, whatever the listener and the disk do. If the profile fits and the configured
// listener takes it at once, Send makes no allocation, takes no lock and needs no other goroutine.
func (t *Transmitter) Send(r SendRequest) (Outcome, error) {
	now := time.Now()
	s := t.settings.Load()
	if r.Settings != nil {
		var err error
		if s, err = t.configured(r.Settings); err != nil {
			return NotTaken, fmt.Errorf("settings: %w", err)
		}
	}
	copy(r.Listener, s.listener.path)

	doc, err := newDocument(r, s, now)
	if err != nil {
		t.writer.countGarbage()
		return NotTaken, err
	}
	var scratch [maxMeta]byte
	whole := doc.whole(scratch[:0])
	out, whyUnsent, err := t.offer(&doc, whole[:], r, s)
	if doc.leavesGarbage {
		t.writer.countGarbage()
	}
	if err != nil {
		return NotTaken, err
	}
	if whyUnsent == nil {
		t.writer.replayer.startIfDue(s, now)
		return Sent, nil
	}
	t.writer.replayer.makeDue(s, whyUnsent)
	noWait := r.NoWait || !s.waitsForDisk && !r.ToDisk
	return t.writer.write(out, doc.deadline, s.bufferFor(r.Socket), whyUnsent, noWait)
}

// Flush waits until no profile is Pending, for the timeout at most. It returns whether that is so.
func (t *Transmitter) Flush(timeout time.Duration) bool {
	return t.writer.flush(time.Now().Add(timeout))
}
