package transmit

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"libtransmit/buffer"
	socket "libtransmit/transmit/listener"
	"libtransmit/transmit/profile"
)

// replayer sends what is in the buffer, in the writer's goroutine, between writes.
// It has a socket of its own, so it takes nothing of the callers' send buffer, and
// knows what of its datagrams is still unread.
type replayer struct {
	asked      chan *replay
	bell       *bell        // the writer's
	background atomic.Bool  // one is asked for, or under way
	due        atomic.Bool  // the listener may have missed something since the last one
	next       atomic.Int64 // none in the background before that, since epoch
	isEnding   atomic.Bool  // the process ends: no profile is sent any more
	isSending  atomic.Bool  // one is at this moment
	dueChanged func()       // called after due has changed

	// The goroutine's own.
	current  *replay
	turn     *buffer.Turn
	listener *listener
	began    time.Time
	moved    time.Time // when a profile was last sent, or the listener read the last one
}

// replay does a little of what was asked for: it sends one profile at most. It
// returns whether there is more to do.
func (w *writer) replay() (more bool) {
	r := &w.replayer
	defer w.recoverReplay()
	if r.current != nil && r.current.isInBackground() && len(r.asked) > 0 {
		w.endReplay(errManyReplays) // a caller waits
	}
	if r.current == nil {
		select {
		case next := <-r.asked:
			w.beginReplay(next)
		default:
			return false
		}
	}
	if r.current != nil {
		w.replayOne()
	}
	return r.current != nil || len(r.asked) > 0
}

func (w *writer) recoverReplay() {
	if p := recover(); p != nil {
		w.closeStores()
		w.endReplay(fmt.Errorf("panic: %v", p))
	}
	w.replayer.isSending.Store(false)
	w.since.Store(0)
}

func (w *writer) beginReplay(next *replay) {
	defer w.recoverReplay()
	r := &w.replayer
	r.current, r.began, r.moved = next, time.Now(), time.Now()
	if r.listener == nil || r.listener.peer != next.settings.listener.peer {
		r.closeListener()
		r.listener = newListener(next.settings.listener.peer, nil)
	}
	w.since.Store(int64(time.Since(epoch)))
	turn, err := w.use(next.settings.bufferFor("")).TakeTurn(next.largest())
	if errors.Is(err, buffer.ErrTaken) {
		err = fmt.Errorf("%w: %w", errOtherReplay, err)
	}
	if err != nil {
		w.endReplay(err)
		return
	}
	r.turn = turn
}

func (w *writer) replayOne() {
	r := &w.replayer
	if over, why := r.isOver(); over {
		w.endReplay(why)
		return
	}
	if r.turn.Offers() && r.listener.socket.Unread() > 0 {
		unix.Nanosleep(&unix.Timespec{Nsec: int64(retryPause)}, nil)
		return
	}
	r.moved = time.Now()
	r.isSending.Store(true)
	if r.isEnding.Load() {
		return
	}
	before := r.current.sent.Load()
	w.since.Store(int64(time.Since(epoch)))
	more, err := r.turn.Next(w.pass)
	w.since.Store(0)
	if err == nil {
		err = r.current.err
	}
	switch {
	case err != nil || !more:
		w.endReplay(err)
	case r.current.sent.Load() != before:
		r.keepPace()
	}
}

func (r *replayer) keepPace() {
	if r.current.isInBackground() {
		unix.Nanosleep(&unix.Timespec{Nsec: int64(backgroundPace)}, nil)
	}
}

func (r *replayer) isOver() (over bool, why error) {
	now := r.current
	switch {
	case r.isEnding.Load():
		return true, errors.New("the process ends")
	case now.most > 0 && now.sent.Load() >= now.most:
		return true, fmt.Errorf("%d profiles, as many as wanted", now.most)
	case !now.isInBackground() && passed(now.deadline):
		return true, profile.ErrTimeUp
	case time.Since(r.moved) > r.patience():
		return true, errNotRead
	}
	return false, nil
}

func (r *replayer) patience() time.Duration {
	if r.current.isInBackground() {
		return mostPatience
	}
	return min(max(r.current.deadline.Sub(r.began)/4, leastPatience), mostPatience)
}

// pass sends one profile.
func (w *writer) pass(offer *buffer.Offer) buffer.Verdict {
	now := w.replayer.current
	text, err := w.memory.block(int(offer.Size))
	if err != nil {
		now.err = err
		return buffer.NotNow
	}
	defer w.memory.free(text)
	if offer.Read(text) != nil {
		return buffer.Stays
	}
	if !isWhole(text) {
		return buffer.Bad
	}
	switch err := w.replayer.send(pieces{text}); {
	case err == nil:
		now.sent.Add(1)
		count(Replayed)
		return buffer.Gone
	case errors.Is(err, socket.ErrTooLarge):
		w.replayer.turn.Limit(offer.Size - 1)
		return buffer.Stays
	default:
		now.err = err
		return buffer.NotNow
	}
}

// send never waits: where the queue is full, others are to come first.
func (r *replayer) send(out pieces) error {
	s := r.current.settings
	err := socket.ErrTooLarge
	if out.size() <= s.maxDatagram {
		err = r.listener.send(out, time.Time{})
	}
	if errors.Is(err, socket.ErrTooLarge) && s.oversize == toMemfd {
		err = r.listener.sendSealed(out, profile.Limit{At: time.Now().Add(time.Second), Passed: passed}, time.Time{})
	}
	return err
}

func (w *writer) endReplay(why error) {
	r := &w.replayer
	ended := r.current
	if ended == nil {
		return
	}
	r.current = nil
	if r.turn != nil {
		r.turn.End()
		r.turn = nil
	}
	if r.listener.socket.Unread() == 0 {
		r.listener.socket.Close()
	}
	if ended.isInBackground() {
		r.pause(ended, why)
	}
	ended.err = why
	ended.ended.set()
}

// pause bounds what a directory costs that is looked through in vain: a tenth of the time.
func (r *replayer) pause(ended *replay, why error) {
	pause := backgroundPause
	if ended.sent.Load() == 0 {
		pause = max(pause, 10*time.Since(r.began))
	}
	r.next.Store(int64(time.Since(epoch) + pause))
	r.background.Store(false)
	if why != nil {
		r.setDue(true)
	}
}

func (r *replayer) closeListener() {
	if r.listener != nil {
		r.listener.socket.Close()
	}
}

// isWhole tells a profile from what a power failure left of one. Of a large one it
// looks at the ends only: to check it all would hold up the writer.
func isWhole(text []byte) bool {
	if len(text) > stillDone {
		_, err := profile.OutlineTrusted(text)
		return err == nil
	}
	_, err := profile.Check(text, profile.Limit{Passed: neverUp})
	return err == nil
}

func neverUp(time.Time) bool { return false }
