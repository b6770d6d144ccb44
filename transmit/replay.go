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
	maxAsked = 16 // replays that may wait for the one that runs

	// A replay sends a profile only after the listener has read the one before, so the queue stays free for live sends.
	// It gives up when the listener takes longer than a quarter of the replay's time, within these bounds. In the
	// background, mostPatience applies.
	leastPatience = 20 * time.Millisecond
	mostPatience  = time.Second

	// A background replay pauses after each profile, and after its end.
	backgroundPace  = time.Millisecond
	backgroundPause = time.Second

	// maxReplayed is the size of the largest file: TRANSMIT_MAX_LENGTH, and room for _meta.
	maxReplayed = 64<<20 + maxMeta
)

var (
	errOtherReplay = errors.New("another process replays")
	errNotRead     = errors.New("the listener does not read what was replayed")
	errManyReplays = errors.New("too many replays at once")
)

// replay is one request to send what is in the buffer, oldest first.
type replay struct {
	settings *settings
	most     int64     // so many profiles; 0: no limit
	deadline time.Time // zero: it runs in the background
	sent     atomic.Int64
	ended    latch
	err      error // why not all were sent; read it after ended
}

func (r *replay) isInBackground() bool { return r.deadline.IsZero() }

// largest is the size of the largest file that can be sent. Larger files stay.
func (r *replay) largest() int64 {
	if r.settings.oversize == toMemfd {
		return maxReplayed
	}
	return int64(r.settings.maxDatagram)
}

// Replay sends the profiles of the buffer to the listener, oldest first: at most most profiles (0: no limit), for at
// most timeout (0: the configured one), of which spent has passed. It removes a file when the socket has taken the
// profile. err is why not all were sent; nil means that nothing is left that can be sent.
//
// It blocks for the timeout at most. If the disk is slow, one profile may be sent after that, which is not counted.
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

// End is Flush for a process that ends. From now on, no replay runs. A scan of the buffer that this process has begun goes
// on for the rest of the timeout.
func (t *Transmitter) End(timeout time.Duration) bool {
	t.writer.replayer.isEnding.Store(true)
	deadline := time.Now().Add(timeout)
	for t.writer.replayer.isSending.Load() && !passed(deadline) {
		unix.Nanosleep(&unix.Timespec{Nsec: int64(retryPause)}, nil)
	}
	isWritten := t.writer.flush(deadline)
	t.writer.awaitScans(deadline)
	return isWritten
}

// makeDue makes a replay due if a profile goes to the disk that a replay can send.
func (r *replayer) makeDue(s *settings, whyUnsent error) {
	staysThere := errors.Is(whyUnsent, socket.ErrTooLarge) && s.oversize != toMemfd
	if !staysThere && !errors.Is(whyUnsent, errNotAsked) {
		r.setDue(true)
	}
}

// setDue is the only function that changes due, after the start.
func (r *replayer) setDue(isDue bool) {
	if r.due.Swap(isDue) != isDue {
		r.dueChanged()
	}
}

// startIfDue starts a background replay if one is due: after an outage, and once after the start.
func (r *replayer) startIfDue(s *settings, now time.Time) {
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

// ask hands a replay to the writer. It returns false if too many wait already.
func (r *replayer) ask(next *replay) bool {
	select {
	case r.asked <- next:
		r.wakeup.call()
		return true
	default:
		return false
	}
}
