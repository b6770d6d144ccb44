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

// replayer sends what is in the buffer, in the writer's goroutine, between writes. It has a socket of its own. So it does
// not fill the send buffer of live sends, and it can tell how much the listener has not read yet.
type replayer struct {
	asked      chan *replay
	wakeup     *wakeup      // the writer's
	background atomic.Bool  // a background replay waits or runs
	due        atomic.Bool  // profiles may have gone to the disk since the last replay
	next       atomic.Int64 // no background replay starts before this time, since epoch
	isEnding   atomic.Bool  // the process ends: send no more profiles
	isSending  atomic.Bool  // a profile is being sent at this moment
	dueChanged func()       // called after a change of due

	// Used by the writer's goroutine only.
	current  *replay
	files    *buffer.Replay
	listener *listener
	began    time.Time
	moved    time.Time // when it last sent a profile, or saw that the listener had read the last one
}

// replay does one step of a replay: it sends one profile at most. It returns whether there is more to do.
func (w *writer) replay() (more bool) {
	r := &w.replayer
	defer w.recoverReplay()
	if r.current != nil && r.current.isInBackground() && len(r.asked) > 0 {
		w.endReplay(errManyReplays) // a caller waits for another one
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
	files, err := w.use(next.settings.bufferFor("")).BeginReplay(next.largest())
	if errors.Is(err, buffer.ErrTaken) {
		err = fmt.Errorf("%w: %w", errOtherReplay, err)
	}
	if err != nil {
		w.endReplay(err)
		return
	}
	r.files = files
}

func (w *writer) replayOne() {
	r := &w.replayer
	if over, why := r.isOver(); over {
		w.endReplay(why)
		return
	}
	if r.files.HasNext() && r.listener.socket.Unread() > 0 {
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
	more, err := r.files.Next(w.replayFile)
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

// replayFile sends one profile.
func (w *writer) replayFile(file *buffer.ReplayFile) buffer.ReplayResult {
	now := w.replayer.current
	text, err := w.memory.block(int(file.Size))
	if err != nil {
		now.err = err
		return buffer.Stopped
	}
	defer w.memory.free(text)
	if file.Read(text) != nil {
		return buffer.Kept
	}
	if !isWhole(text) {
		return buffer.Malformed
	}
	switch err := w.replayer.send(pieces{text}); {
	case err == nil:
		now.sent.Add(1)
		count(Replayed)
		return buffer.Delivered
	case errors.Is(err, socket.ErrTooLarge):
		w.replayer.files.Limit(file.Size - 1)
		return buffer.Kept
	default:
		now.err = err
		return buffer.Stopped
	}
}

// send never waits: if the queue is full, live sends come first.
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
	if r.files != nil {
		r.files.End()
		r.files = nil
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

// pause limits the cost of directories in which a replay finds nothing to send: to a tenth of the time.
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

// isWhole tells whether a file holds a complete profile: after a power failure it may not. It reads only both ends of a
// large one, because checking all of it would hold up the writer.
func isWhole(text []byte) bool {
	if len(text) > alwaysRead {
		_, err := profile.OutlineTrusted(text)
		return err == nil
	}
	_, err := profile.Check(text, profile.Limit{Passed: neverUp})
	return err == nil
}

func neverUp(time.Time) bool { return false }
