package transmit

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	socket "libtransmit/transmit/listener"
	"libtransmit/transmit/profile"
)

const (
	maxAsked = 16 // replays that wait for their turn

	// A replay leaves the queue to the callers: it sends when the listener has read what it sent before. It gives up
	// when that takes longer than a quarter of its time, within these bounds; in the background, than the most.
	leastPatience = 20 * time.Millisecond
	mostPatience  = time.Second

	// In the background, it pauses after each profile, and after it has ended.
	backgroundPace  = time.Millisecond
	backgroundPause = time.Second

	// maxReplayed is what a file may have at most: TRANSMIT_MAX_LENGTH, and room for _meta.
	maxReplayed = 64<<20 + maxMeta
)

var (
	errOtherReplay = errors.New("another process replays")
	errNotRead     = errors.New("the listener does not read what was replayed")
	errManyReplays = errors.New("too many replays at once")
)

// replay is one request to send what is in the buffer, the oldest first.
type replay struct {
	settings *settings
	most     int64     // profiles; 0: no limit
	deadline time.Time // zero: in the background
	sent     atomic.Int64
	ended    event
	err      error // to be read after ended: why not all are sent
}

func (r *replay) isInBackground() bool { return r.deadline.IsZero() }

// largest is what can be sent of a file; larger ones stay.
func (r *replay) largest() int64 {
	if r.settings.oversize == toMemfd {
		return maxReplayed
	}
	return int64(r.settings.maxDatagram)
}

// Replay sends the oldest profiles of the buffer to the listener, at most so many
// and for at most the timeout (0: the configured one). A profile's file is removed
// when the listener's socket has taken it. err is why not all were sent; nil:
// nothing that can be sent is left.
//
// It blocks for the timeout at most. A profile that a slow disk holds up may be
// sent after that, and is not counted.
func (t *Transmitter) Replay(most int, timeout, spent time.Duration) (sent int, err error) {
	s := t.settings.Load()
	if timeout == 0 {
		timeout = s.timeout
	}
	deadline := time.Now().Add(timeout - spent - wakeUp(timeout))
	r := &replay{settings: s, most: int64(most), deadline: deadline}
	t.writer.countGarbage()
	if !t.writer.replayer.ask(r) {
		return 0, errManyReplays
	}
	if !r.ended.wait(deadline.Add(wakeUp(timeout) / 2)) {
		return int(r.sent.Load()), fmt.Errorf("%w: the disk is slow, or others' profiles are written", profile.ErrTimeUp)
	}
	return int(r.sent.Load()), r.err
}

// End is Flush for a process that ends: from now on, nothing is replayed.
func (t *Transmitter) End(timeout time.Duration) bool {
	t.writer.replayer.isEnding.Store(true)
	deadline := time.Now().Add(timeout)
	for t.writer.replayer.isSending.Load() && !passed(deadline) {
		unix.Nanosleep(&unix.Timespec{Nsec: int64(retryPause)}, nil)
	}
	return t.writer.flush(deadline)
}

// missed notes that a profile goes to the disk, which a replay can send.
func (r *replayer) missed(s *settings, unsent error) {
	staysThere := errors.Is(unsent, socket.ErrTooLarge) && s.oversize != toMemfd
	if !staysThere && !errors.Is(unsent, errNotAsked) {
		r.setDue(true)
	}
}

// setDue is the only one to change due, after the start.
func (r *replayer) setDue(isDue bool) {
	if r.due.Swap(isDue) != isDue {
		r.dueChanged()
	}
}

// arrived is called when a datagram has gone through. After an outage, and once
// after the start, it asks for a replay in the background.
func (r *replayer) arrived(s *settings, now time.Time) {
	if !s.replays || !r.due.Load() || int64(now.Sub(epoch)) < r.next.Load() {
		return
	}
	if !r.background.CompareAndSwap(false, true) {
		return
	}
	r.setDue(false)
	if !r.ask(&replay{settings: s}) {
		r.setDue(true)
		r.background.Store(false)
	}
}

// ask returns false if too many have been asked for.
func (r *replayer) ask(next *replay) bool {
	select {
	case r.asked <- next:
		r.bell.ring()
		return true
	default:
		return false
	}
}
