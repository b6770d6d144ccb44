package transmit

import (
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	socket "libtransmit/transmit/listener"
)

// HandedOver is a profile that a caller in C has given to the writer, because its listener is away: door/hand_over.c.
type HandedOver struct {
	JSON         []byte     // as it is to be written; valid until Answer
	Errno        unix.Errno // why the listener did not take it
	Settings     int        // their number when the caller called: knownSettings
	Capabilities [2]unix.CapUserData
}

// Callers is the writer's side of door/hand_over.c. Its functions are called by the writer's goroutine.
type Callers struct {
	Shared *Shared
	Next   func() (HandedOver, bool)
	Answer func(Outcome, error) (isAwaited bool)
}

// noCallers is for a program that does not use door/.
func noCallers() *Callers {
	return &Callers{
		Shared: new(Shared),
		Next:   func() (HandedOver, bool) { return HandedOver{}, false },
	}
}

// Shared is struct writer of door/door.h.
type Shared struct {
	wakeup
	inUse  atomic.Uint32 // 1: a profile is on its way
	thread atomic.Int32  // the writer's thread ID; 0: C must not bind it to a CPU
	cpu    atomic.Int32  // the CPU that it is bound to, plus 1; 0: any
}

// writeHandedOver writes the next profile of the callers in C. It returns false if there is none.
func (w *writer) writeHandedOver() bool {
	given, ok := w.callers.Next()
	if !ok {
		return false
	}
	s := w.settings[given.Settings].Load()
	whyUnsent := socket.Failed("connect to", s.listener.path, given.Errno)
	w.replayer.makeDue(s, whyUnsent)
	w.finishes.Store(true)
	w.since.Store(int64(time.Since(epoch)))
	j := job{text: given.JSON, options: s.bufferFor(""), caller: given.Capabilities}
	w.handle(&j)
	outcome, err := j.outcome(whyUnsent)
	if !w.callers.Answer(outcome, err) {
		j.countLater()
	}
	w.finish()
	w.finishes.Store(false)
	return true
}

// outcome is what the caller is told.
func (j *job) outcome(whyUnsent error) (Outcome, error) {
	if j.err != nil {
		return NotTaken, fmt.Errorf("%w; %v", j.err, whyUnsent)
	}
	return Buffered, fmt.Errorf("%w; the profile is in %s", whyUnsent, j.dir)
}

// allCPUs are those that the writer may use.
type allCPUs struct{ set unix.CPUSet }

// publish lets callers in C bind the writer's thread, which calls it, to their CPU.
func (a *allCPUs) publish(s *Shared) {
	if unix.SchedGetaffinity(0, &a.set) == nil {
		s.thread.Store(int32(unix.Gettid()))
	}
}

// restore lets the writer run on any CPU, for work that no caller waits for.
func (a *allCPUs) restore(s *Shared) {
	if s.cpu.Swap(0) != 0 { // before the call: a caller may bind the thread meanwhile
		unix.SchedSetaffinity(0, &a.set)
	}
}
