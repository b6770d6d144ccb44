package transmit

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"libtransmit/buffer"
)

const (
	maxWaiting      = 64       // profiles that wait for a slow disk
	maxWaitingBytes = 64 << 20 // together; one is always let in

	// A write that has lasted this long is a hung disk's: nobody waits for it.
	hungAfter = time.Second

	// retryPause is how often a call looks for room in the queue, or whether all
	// is written.
	retryPause = 200 * time.Microsecond

	// lateSize is what is still copied when time is up: it takes 0.1 ms.
	lateSize = 1 << 20

	// garbageLimit is what is collected at once, as much as Go's own pacing does;
	// garbagePerError is what a call allocates, roughly, beside a profile's copy.
	garbageLimit    = 4 << 20
	garbagePerError = 2 << 10
)

// ErrBusy means that as many profiles wait for the disk as may wait.
var ErrBusy = errors.New("too many profiles wait for the disk")

// writer is the one goroutine that touches the disk. A disk can hang, and then
// hangs it and no caller.
type writer struct {
	jobs  chan *job
	bytes atomic.Int64 // of the profiles that wait or are being written
	since atomic.Int64 // when the write under way began, since epoch; 0: there is none

	garbage atomic.Int64 // bytes that were allocated and are not needed any more

	// The goroutine's own.
	store   *buffer.Store
	options buffer.Options
}

// job is one profile on its way to the disk, or, without text, a call to collect.
type job struct {
	text    []byte // a copy: the caller's is valid only during the call
	options *buffer.Options
	written event

	// To be read after written.
	err error
	dir string // where it is
}

func newWriter() *writer {
	w := &writer{jobs: make(chan *job, maxWaiting), store: buffer.New(buffer.Options{})}
	go w.run()
	return w
}

// write hands a copy of the document to the goroutine and waits for its file.
// unsent is why the profile is not at the listener; every answer has it.
//
//	disk                            outcome
//	works                           Buffered, or Lost with the disk's error
//	slow, or time is up already     Pending
//	hung for a while                Pending, at once
//	as many wait as may wait        Lost, ErrBusy
func (w *writer) write(out *pieces, deadline time.Time, options *buffer.Options, unsent error) (Outcome, error) {
	late := passed(deadline)
	if late && out.size() > lateSize {
		return Lost, fmt.Errorf("%w; %w", ErrTimeUp, unsent)
	}
	w.litter(out.size() + garbagePerError)
	j := &job{text: slices.Concat(out[:]...), options: options}
	if !w.queue(j, deadline) {
		return Lost, fmt.Errorf("%w; %w", ErrBusy, unsent)
	}
	if late {
		return Pending, fmt.Errorf("%w; %w", ErrTimeUp, unsent)
	}
	if w.isHung() || !j.written.wait(deadline) {
		return Pending, fmt.Errorf("the disk is slow; %w", unsent)
	}
	if j.err != nil {
		return Lost, fmt.Errorf("%w; %w", j.err, unsent)
	}
	return Buffered, fmt.Errorf("%w; the profile is in %s", unsent, j.dir)
}

// queue waits for room until the deadline, or not at all if the disk hangs.
func (w *writer) queue(j *job, deadline time.Time) bool {
	for !w.offer(j) {
		if passed(deadline) || w.isHung() {
			return false
		}
		unix.Nanosleep(&unix.Timespec{Nsec: int64(retryPause)}, nil)
	}
	return true
}

func (w *writer) offer(j *job) bool {
	size := int64(len(j.text))
	if all := w.bytes.Add(size); all <= size || all <= maxWaitingBytes {
		select {
		case w.jobs <- j:
			return true
		default:
		}
	}
	w.bytes.Add(-size)
	return false
}

func (w *writer) isHung() bool {
	since := w.since.Load()
	return since != 0 && int64(time.Since(epoch))-since > int64(hungAfter)
}

// flush returns whether nothing is left to write, also of other threads'.
func (w *writer) flush(deadline time.Time) bool {
	for w.bytes.Load() > 0 {
		if passed(deadline) {
			return false
		}
		unix.Nanosleep(&unix.Timespec{Nsec: int64(retryPause)}, nil)
	}
	return true
}

// litter counts what a call has allocated. Collecting it is the writer's work,
// for Go would do it on the callers' threads, in their time.
func (w *writer) litter(size int) {
	if size > 0 && w.garbage.Add(int64(size)) > garbageLimit {
		w.offer(&job{})
	}
}

// run alternates between jobs and what the store left for later.
func (w *writer) run() {
	for {
		select {
		case j := <-w.jobs:
			w.do(j)
		default:
			if !w.tidyUp() {
				w.do(<-w.jobs)
			}
		}
	}
}

func (w *writer) do(j *job) {
	if len(j.text) > 0 {
		w.since.Store(int64(time.Since(epoch)))
		w.handle(j)
		w.since.Store(0)
	}
	j.written.set()
	w.collect()
}

// tidyUp returns whether there is more to do.
func (w *writer) tidyUp() (more bool) {
	defer func() {
		if p := recover(); p != nil {
			w.store.Close()
		}
	}()
	w.since.Store(int64(time.Since(epoch)))
	more = w.store.Work()
	w.since.Store(0)
	return more
}

// collect also gives the memory of large profiles back to the system, which Go's
// background scavenger would do with a timer.
func (w *writer) collect() {
	switch garbage := w.garbage.Load(); {
	case garbage > 4*garbageLimit:
		w.garbage.Store(0)
		debug.FreeOSMemory()
	case garbage > garbageLimit:
		w.garbage.Store(0)
		runtime.GC()
	}
}

func (w *writer) handle(j *job) {
	defer func() {
		if p := recover(); p != nil {
			j.err = fmt.Errorf("panic: %v", p)
		}
		w.bytes.Add(-int64(len(j.text)))
	}()
	w.use(j.options)
	j.err = w.store.Write(j.text)
	j.dir = w.store.Dir()
}

// use makes the store the one that the job's settings want.
func (w *writer) use(options *buffer.Options) {
	same := slices.Equal(options.Dirs, w.options.Dirs) &&
		options.MaxBytes == w.options.MaxBytes && options.MaxFiles == w.options.MaxFiles
	if !same {
		w.store.Close()
		w.store, w.options = buffer.New(*options), *options
	}
}
