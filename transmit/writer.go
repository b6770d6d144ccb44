package transmit

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"libtransmit/buffer"
	"libtransmit/transmit/profile"
)

const (
	maxWaiting      = 64       // profiles that wait for a slow disk, beside the one that is written
	maxWaitingBytes = 12 << 20 // together; one is always let in, and small ones whatever the others have

	maxStores = 4 // a worker may serve several sites, each with a listener

	// A write that has lasted this long is a hung disk's: nobody waits for it.
	hungAfter = time.Second

	// retryPause is how often a call looks for room in the queue, or whether all
	// is written.
	retryPause = 200 * time.Microsecond
)

// ErrBusy means that as many profiles wait for the disk as may wait.
var ErrBusy = errors.New("too many profiles wait for the disk")

// writer is the one goroutine that touches the disk. A disk can hang, and then
// hangs it and no caller.
type writer struct {
	bell   bell         // rings when there is something to do
	jobs   chan *job    // has room for all that are let in
	count  atomic.Int64 // of the profiles that wait or are being written
	bytes  atomic.Int64 // of them all
	since  atomic.Int64 // when the disk was asked for something, since epoch; 0: it is not being asked
	memory memory

	replayer replayer

	garbage  garbage
	handover handover

	// The goroutine's own.
	privileges privileges      // its thread's
	stores     []*buffer.Store // of the last few listeners and settings; the latest first
}

// job is one profile on its way to the disk.
type job struct {
	text    []byte // from memory: the caller's is valid only during the call
	options buffer.Options
	caller  privileges
	written event
	settled atomic.Bool // by the caller, who does not wait any longer, or by the writer

	// To be read after written, or once the writer has settled it.
	err error
	dir string // where it is
}

// settle returns whether it was not settled yet.
func (j *job) settle() bool { return !j.settled.Swap(true) }

func newWriter() *writer {
	w := &writer{
		jobs:   make(chan *job, maxWaiting+1),
		memory: newMemory(),
	}
	w.replayer.bell, w.replayer.asked = &w.bell, make(chan *replay, maxAsked)
	w.replayer.due.Store(true)
	go w.run()
	return w
}

// write hands a copy of the document to the goroutine and waits for its file.
// unsent is why the profile is not at the listener; every answer has it.
//
//	disk                            outcome
//	works                           Buffered, or Lost with the disk's error
//	is not to be waited for         Pending
//	slow, or time is up already     Pending
//	hung for a while                Pending, at once
//	as many wait as may wait        Lost, ErrBusy
//
// A large profile that there is no time or no memory to copy is Lost, too.
func (w *writer) write(out pieces, deadline time.Time, options buffer.Options, unsent error, noWait bool) (Outcome, error) {
	late, size := passed(deadline), int64(out.size())
	w.countGarbage()
	if !w.reserve(size, deadline) {
		return Lost, fmt.Errorf("%w; %w", ErrBusy, unsent)
	}
	text, err := w.memory.copyOf(out, deadline)
	if err != nil {
		w.release(size)
		return Lost, fmt.Errorf("%w; %w", err, unsent)
	}
	j := &job{text: text, options: options, caller: ownPrivileges()}
	j.settled.Store(noWait)
	w.jobs <- j // does not block
	if w.bell.sleeps.Load() && !late && !noWait && len(w.jobs) == 1 {
		w.handover.bringHere()
	}
	w.bell.ring()
	if noWait {
		return Pending, fmt.Errorf("the disk is not waited for; %w", unsent)
	}
	if late && j.settle() {
		return Pending, fmt.Errorf("%w; %w", profile.ErrTimeUp, unsent)
	}
	if (w.isHung() || !j.written.wait(deadline)) && j.settle() {
		return Pending, fmt.Errorf("the disk is slow; %w", unsent)
	}
	if j.err != nil {
		return Lost, fmt.Errorf("%w; %w", j.err, unsent)
	}
	return Buffered, fmt.Errorf("%w; the profile is in %s", unsent, j.dir)
}

// reserve waits for room until the deadline, or not at all if the disk hangs.
func (w *writer) reserve(size int64, deadline time.Time) bool {
	for !w.tryReserve(size) {
		if passed(deadline) || w.isHung() {
			return false
		}
		unix.Nanosleep(&unix.Timespec{Nsec: int64(retryPause)}, nil)
	}
	return true
}

func (w *writer) tryReserve(size int64) bool {
	count, bytes := w.count.Add(1), w.bytes.Add(size)
	if count <= maxWaiting+1 && (size <= smallBlock || bytes <= size || bytes <= maxWaitingBytes) {
		return true
	}
	w.release(size)
	return false
}

func (w *writer) release(size int64) {
	w.bytes.Add(-size)
	w.count.Add(-1)
}

func (w *writer) isHung() bool {
	since := w.since.Load()
	return since != 0 && int64(time.Since(epoch))-since > int64(hungAfter)
}

// flush returns whether nothing is left to write, also of other threads'.
func (w *writer) flush(deadline time.Time) bool {
	for w.count.Load() > 0 {
		if passed(deadline) {
			return false
		}
		unix.Nanosleep(&unix.Timespec{Nsec: int64(retryPause)}, nil)
	}
	return true
}

func (w *writer) run() {
	runtime.LockOSThread() // its privileges are the thread's
	w.privileges = ownPrivileges()
	w.handover.own()
	for {
		heard := w.bell.rung.Load()
		if !w.work() {
			w.bell.wait(heard)
		}
	}
}

// work takes jobs first; in between it does what the store left for later, and
// replays. It returns whether there may be more to do.
func (w *writer) work() (more bool) {
	select {
	case j := <-w.jobs:
		if len(w.jobs) > 0 {
			w.handover.letGo() // several callers have several CPUs
		}
		w.do(j)
		return true
	default:
	}
	w.collect()
	tidied, replayed := w.tidyUp(), w.replay()
	if tidied || replayed {
		w.handover.letGo()
	}
	return tidied || replayed
}

func (w *writer) do(j *job) {
	size := int64(len(j.text))
	w.since.Store(int64(time.Since(epoch)))
	w.handle(j)
	w.memory.free(j.text)
	j.tell()
	w.bound()
	w.since.Store(0)
	w.release(size)
	w.collect()
}

// tell lets the caller go, who does not wait for what comes after the file.
func (j *job) tell() {
	switch {
	case j.settle():
		j.written.set()
	case j.err == nil:
		count(WrittenLater)
	default:
		count(LostLater)
	}
}

// bound removes what is over the limits.
func (w *writer) bound() {
	defer w.recoverStore()
	if len(w.stores) > 0 {
		w.stores[0].Bound()
	}
}

// recoverStore gives up what a panic may have left half done.
func (w *writer) recoverStore() {
	if p := recover(); p != nil {
		w.closeStores()
	}
}

func (w *writer) closeStores() {
	for _, store := range w.stores {
		store.Close()
	}
}

func (w *writer) handle(j *job) {
	defer func() {
		if p := recover(); p != nil {
			j.err = fmt.Errorf("panic: %v", p)
		}
	}()
	w.privileges = w.privileges.limitTo(j.caller)
	store := w.use(j.options)
	j.err = store.Write(j.text)
	j.dir = store.Dir()
}

// tidyUp returns whether there is more to do.
func (w *writer) tidyUp() (more bool) {
	defer w.recoverStore()
	w.since.Store(int64(time.Since(epoch)))
	for _, store := range w.stores {
		more = store.Work() || more
	}
	w.since.Store(0)
	return more
}

// use returns the store of these options, and makes one if need be.
func (w *writer) use(options buffer.Options) *buffer.Store {
	at := slices.IndexFunc(w.stores, func(s *buffer.Store) bool { return s.Has(options) })
	if at < 0 {
		w.stores = append(w.stores, buffer.New(options))
		at = len(w.stores) - 1
	}
	store := w.stores[at]
	w.stores = slices.Insert(slices.Delete(w.stores, at, at+1), 0, store)
	if len(w.stores) > maxStores {
		w.stores[maxStores].Close()
		w.stores = w.stores[:maxStores]
	}
	return store
}
