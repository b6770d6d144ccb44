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
	maxWaiting      = 64       // profiles in the queue for a slow disk, beside the one that is being written
	maxWaitingBytes = 12 << 20 // of them together; the first one, and small ones, are accepted above that

	maxStores = 4 // a worker may serve several sites with a listener each

	// When a write has lasted this long, the disk hangs, and calls no longer wait for it.
	hungAfter = time.Second

	// retryPause is the interval at which a call looks for room in the queue, or whether all is written.
	retryPause = 200 * time.Microsecond

	// stopTime is the part of the time at exit that is reserved for removing what an incomplete scan has found.
	stopTime = 200 * time.Millisecond
)

// ErrBusy means that the queue for the disk is full.
var ErrBusy = errors.New("too many profiles wait for the disk")

// writer is the only goroutine that touches the disk. A disk can hang; then the writer hangs and no caller.
type writer struct {
	wakeup *wakeup      // rings when there is something to do
	jobs   chan *job    // has room for all that reserve accepts
	count  atomic.Int64 // of the profiles that wait or are being written
	bytes  atomic.Int64 // of these profiles
	since  atomic.Int64 // start of the current disk operation, since epoch; 0: there is none
	memory memory

	replayer replayer

	garbage  garbage
	callers  *Callers
	settings *knownSettings // for what callers in C hand over
	finishes atomic.Bool    // the writer has a profile of theirs, also after they have got its answer

	owes      atomic.Bool  // a store scans its directory for all processes
	stopScans atomic.Int64 // from this time on, since epoch, scans are stopped; 0: the process does not end

	// Used by the goroutine only.
	cpus   allCPUs
	stores []*buffer.Store // of the last few listeners and settings; the last one used first
}

// job is one profile on its way to the disk.
type job struct {
	text    []byte // from memory: the caller's bytes are valid only during the call
	options buffer.Options
	caller  privileges
	written latch
	settled atomic.Bool // set by the caller when it stops waiting, or by the writer

	// Read these after written is set, or after the writer has settled the job.
	err error
	dir string // of the file
}

// settle settles the job. It returns false if it was settled already: then the other side answers for the profile.
func (j *job) settle() bool { return !j.settled.Swap(true) }

func newWriter(callers *Callers, settings *knownSettings) *writer {
	w := &writer{
		wakeup:   &callers.Shared.wakeup,
		jobs:     make(chan *job, maxWaiting+1),
		memory:   newMemory(),
		callers:  callers,
		settings: settings,
	}
	w.replayer.wakeup, w.replayer.asked = w.wakeup, make(chan *replay, maxAsked)
	w.replayer.due.Store(true)
	return w
}

// write hands a copy of the document to the goroutine and waits for the file. whyUnsent is why the listener did not take
// the profile; every error has its text. An error of NotTaken wraps only the reason why it was not written.
//
//	disk                                       outcome
//	works                                      Buffered, or NotTaken with the disk's error
//	works, and the caller does not wait        Pending
//	is slow, or the deadline has passed        Pending
//	has hung for hungAfter                     Pending, at once
//	is slow, and the queue is full             NotTaken, ErrBusy
//
// A large profile is also NotTaken if there is no time or no memory to copy it.
func (w *writer) write(out pieces, deadline time.Time, options buffer.Options, whyUnsent error, noWait bool) (Outcome, error) {
	late, size := passed(deadline), int64(out.size())
	w.countGarbage()
	if !w.reserve(size, deadline) {
		return NotTaken, fmt.Errorf("%w; %v", ErrBusy, whyUnsent)
	}
	copied := false
	defer func() {
		if !copied { // also after a fault in the caller's memory
			w.release(size)
		}
	}()
	text, err := w.memory.copyOf(out, deadline)
	if err != nil {
		return NotTaken, fmt.Errorf("%w; %v", err, whyUnsent)
	}
	copied = true
	j := &job{text: text, options: options, caller: ownPrivileges()}
	j.settled.Store(noWait)
	w.jobs <- j // does not block
	w.wakeup.call()
	if noWait {
		return Pending, fmt.Errorf("the disk is not waited for; %w", whyUnsent)
	}
	if late && j.settle() {
		return Pending, fmt.Errorf("%w; %w", profile.ErrTimeUp, whyUnsent)
	}
	if (w.isHung() || !j.written.wait(deadline)) && j.settle() {
		return Pending, fmt.Errorf("the disk is slow; %w", whyUnsent)
	}
	return j.outcome(whyUnsent)
}

// reserve waits for room in the queue until the deadline, or not at all if the disk hangs.
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
	count += int64(w.callers.Shared.inUse.Load()) // it is with the writer
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

// flush waits until the profiles of all threads are written. It returns whether that is so.
func (w *writer) flush(deadline time.Time) bool {
	for w.count.Load() > 0 || w.callers.Shared.inUse.Load() != 0 || w.finishes.Load() {
		if passed(deadline) {
			return false
		}
		unix.Nanosleep(&unix.Timespec{Nsec: int64(retryPause)}, nil)
	}
	return true
}

// awaitScans waits until the deadline for the scan that this process has begun. A process in many has one: scans of all
// processes take a small share of the time.
func (w *writer) awaitScans(deadline time.Time) {
	w.stopScans.Store(int64(deadline.Add(-stopTime).Sub(epoch)))
	for w.owes.Load() && !passed(deadline) && !w.isHung() {
		unix.Nanosleep(&unix.Timespec{Nsec: int64(retryPause)}, nil)
	}
}

func (w *writer) run() {
	runtime.LockOSThread() // privileges belong to a thread
	w.cpus.publish(w.callers.Shared)
	for {
		seen := w.wakeup.calls.Load()
		if !w.work() {
			w.wakeup.wait(seen)
		}
	}
}

// work does one job. If there is none, it does one step of the stores' work and of a replay. It returns whether there may
// be more to do.
func (w *writer) work() (more bool) {
	if w.writeHandedOver() {
		return true
	}
	select {
	case j := <-w.jobs:
		w.cpus.restore(w.callers.Shared) // its caller has not brought the writer to its CPU
		w.do(j)
		return true
	default:
	}
	w.collect()
	tidied, replayed := w.stepStores(), w.replay()
	if tidied || replayed {
		w.cpus.restore(w.callers.Shared)
	}
	return tidied || replayed
}

func (w *writer) do(j *job) {
	size := int64(len(j.text))
	w.since.Store(int64(time.Since(epoch)))
	w.handle(j)
	w.memory.free(j.text)
	if j.settle() {
		j.written.set()
	} else {
		j.countLater()
	}
	w.finish()
	w.release(size)
}

// countLater counts a profile whose caller has not waited for its file.
func (j *job) countLater() {
	if j.err == nil {
		count(WrittenLater)
	} else {
		count(LostLater)
	}
}

// finish does what follows a write. No caller waits for it.
func (w *writer) finish() {
	w.enforceLimits()
	w.since.Store(0)
	w.collect()
}

// enforceLimits removes the files that are over the limits.
func (w *writer) enforceLimits() {
	defer w.recoverStore()
	if len(w.stores) > 0 {
		w.stores[0].EnforceLimits()
	}
}

// recoverStore closes the stores after a panic, which may have left one in an inconsistent state.
func (w *writer) recoverStore() {
	if p := recover(); p != nil {
		w.closeStores()
	}
	w.owes.Store(slices.ContainsFunc(w.stores, (*buffer.Store).Owes))
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
	limitTo(j.caller)
	store := w.use(j.options)
	j.err = store.Write(j.text)
	j.dir = store.Dir()
}

// stepStores returns whether there is more to do.
func (w *writer) stepStores() (more bool) {
	defer w.recoverStore()
	w.since.Store(int64(time.Since(epoch)))
	stopAt := w.stopScans.Load()
	for _, store := range w.stores {
		more = store.Step() || more
		if stopAt != 0 && int64(time.Since(epoch)) > stopAt {
			store.StopScan()
		}
	}
	w.since.Store(0)
	return more
}

// use returns the store of these options. It makes one if there is none.
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
