package transmit

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	firstPause   = time.Second
	longestPause = 30 * time.Second

	// briefWait is what the others wait while one waits for a listener that was well
	// before: its queue may be full for a moment only.
	briefWait = 5 * time.Millisecond
)

// WaitState is a listener's back-off, for all that share it. Both are nanoseconds, of
// CLOCK_MONOTONIC, which all processes of a host have in common.
type WaitState struct {
	pause atomic.Int64 // the last one; 0: none
	until atomic.Int64 // before that, nobody begins to wait
}

// sharedWait finds the state of the listener at path that all processes of this user
// share; nil: there is none.
var sharedWait = func(path string) *WaitState { return nil }

// OnWait makes the package share its back-offs. To be called before the first Send.
func OnWait(find func(path string) *WaitState) { sharedWait = find }

// epoch makes points in time of durations, which are read and written atomically.
var epoch = time.Now()

// backoff says who waits for a listener: one at a time, and after a wait that timed out
// nobody for a while. It needs no probe: every call still tries once, and the first that
// succeeds ends it.
type backoff struct {
	own     WaitState
	noticed atomic.Bool // by this process
}

func (b *backoff) state(path string) *WaitState {
	if shared := sharedWait(path); shared != nil {
		return shared
	}
	return &b.own
}

// epochMonotonic is epoch by CLOCK_MONOTONIC.
var epochMonotonic = func() int64 {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	return now.Nano() - int64(time.Since(epoch))
}()

func monotonic() int64 { return epochMonotonic + int64(time.Since(epoch)) }

// Since is the time that has passed since at, in nanoseconds of CLOCK_MONOTONIC.
func Since(at int64) time.Duration { return time.Duration(monotonic() - at) }

// turn is how long a call may wait for a listener.
type turn int

const (
	noWait  turn = iota
	aMoment      // another one waits
	itsTurn      // to its deadline
)

func (t turn) end(deadline time.Time) time.Time {
	if brief := time.Now().Add(briefWait); t == aMoment && brief.Before(deadline) {
		return brief
	}
	return deadline
}

// begin returns the turn of a call with that deadline, and, if another one waits, whose
// wait it is. A process that is killed while it waits stops nobody after that.
func (b *backoff) begin(path string, deadline time.Time) (t turn, whose int64) {
	w, now := b.state(path), monotonic()
	until := w.until.Load()
	isAhead := until > now && until-now <= int64(longestPause+maxTimeout)
	switch {
	case !isAhead && w.until.CompareAndSwap(until, now+int64(time.Until(deadline))):
		return itsTurn, 0
	case w.pause.Load() == 0:
		return aMoment, until
	}
	return noWait, until
}

// notice returns whether this process has just learned of it, and ends it by a success.
func (b *backoff) notice() (begins bool) { return !b.noticed.Swap(true) }

// hasEnded tells whether that wait has ended: with room in the queue, if it is not for a
// pause.
func (b *backoff) hasEnded(path string, whose int64) bool {
	return b.state(path).until.Load() != whose
}

// active tells whether a wait for the listener has timed out not long ago.
func (b *backoff) active(path string) bool {
	w := b.state(path)
	return w.pause.Load() != 0 && monotonic() < w.until.Load()
}

// extend is for a wait that has timed out.
func (b *backoff) extend(path string) {
	w := b.state(path)
	pause := min(max(2*w.pause.Load(), int64(firstPause)), int64(longestPause))
	w.until.Store(monotonic() + pause)
	w.pause.Store(pause)
}

// reset ends it. It returns whether it was noticed here, and costs nothing otherwise.
func (b *backoff) reset(path string) (ends bool) {
	if !b.noticed.Load() || !b.noticed.Swap(false) {
		return false
	}
	w := b.state(path)
	w.pause.Store(0)
	w.until.Store(0)
	return true
}
