package transmit

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	firstPause   = time.Second
	longestPause = 30 * time.Second

	// briefWait is how long other calls wait while one call waits for a listener whose last wait did not time out:
	// its queue may be full only briefly.
	briefWait = 5 * time.Millisecond
)

// WaitState is the back-off of one listener. Processes share it. Both values are nanoseconds of CLOCK_MONOTONIC, which is
// the same clock for all processes of a host.
type WaitState struct {
	pause atomic.Int64 // the last interval; 0: no wait has timed out
	until atomic.Int64 // no call begins to wait before this
}

// sharedWait returns the state that all processes of this user share for the listener at path; nil: they share none.
var sharedWait = func(path string) *WaitState { return nil }

// OnWait makes the package share its back-offs through find. Call it before the first Send.
func OnWait(find func(path string) *WaitState) { sharedWait = find }

// epoch is the zero of the times that are stored as durations, because a duration can be read and written atomically.
var epoch = time.Now()

// backoff decides which calls wait for a listener: one at a time, and none for a while after a wait has timed out.
// It needs no probe: every call still tries once, and the first success resets it.
type backoff struct {
	own     WaitState
	noticed atomic.Bool // this process knows that the listener's queue is full
}

func (b *backoff) state(path string) *WaitState {
	if shared := sharedWait(path); shared != nil {
		return shared
	}
	return &b.own
}

// epochMonotonic is epoch in CLOCK_MONOTONIC.
var epochMonotonic = func() int64 {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	return now.Nano() - int64(time.Since(epoch))
}()

func monotonic() int64 { return epochMonotonic + int64(time.Since(epoch)) }

// Since returns the time since at, which is in nanoseconds of CLOCK_MONOTONIC.
func Since(at int64) time.Duration { return time.Duration(monotonic() - at) }

// waitLength is how long a call may wait for room in the queue.
type waitLength int

const (
	noWait         waitLength = iota
	waitBriefly               // another call waits
	waitToDeadline            // until its deadline
)

func (w waitLength) end(deadline time.Time) time.Time {
	if brief := time.Now().Add(briefWait); w == waitBriefly && brief.Before(deadline) {
		return brief
	}
	return deadline
}

// begin returns how long a call with that deadline may wait. If another call waits, other is the end of that wait, which
// identifies it. A process that is killed while it waits keeps no call from waiting after that end.
func (b *backoff) begin(path string, deadline time.Time) (length waitLength, other int64) {
	w, now := b.state(path), monotonic()
	until := w.until.Load()
	isAhead := until > now && until-now <= int64(longestPause+maxTimeout)
	if until < now-int64(longestPause) { // the process that noticed it may have ended, and then no success resets it
		w.pause.Store(0)
	}
	switch {
	case !isAhead && w.until.CompareAndSwap(until, now+int64(time.Until(deadline))):
		return waitToDeadline, 0
	case w.pause.Load() == 0:
		return waitBriefly, until
	}
	return noWait, until
}

// notice records that the queue is full. It returns whether this process did not know that yet.
func (b *backoff) notice() (begins bool) { return !b.noticed.Swap(true) }

// hasEnded tells whether the wait that begin returned as other has ended. Then there was room, or a back-off follows.
func (b *backoff) hasEnded(path string, other int64) bool {
	return b.state(path).until.Load() != other
}

// active tells whether the back-off applies now.
func (b *backoff) active(path string) bool {
	w := b.state(path)
	return w.pause.Load() != 0 && monotonic() < w.until.Load()
}

// extend doubles the interval, after a wait has timed out.
func (b *backoff) extend(path string) {
	w := b.state(path)
	pause := min(max(2*w.pause.Load(), int64(firstPause)), int64(longestPause))
	w.until.Store(monotonic() + pause)
	w.pause.Store(pause)
}

// reset ends the back-off after a success. It returns whether this process had noticed it; if not, it costs one load.
func (b *backoff) reset(path string) (ends bool) {
	if !b.noticed.Load() || !b.noticed.Swap(false) {
		return false
	}
	w := b.state(path)
	w.pause.Store(0)
	w.until.Store(0)
	return true
}
