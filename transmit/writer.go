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
)

const (
	maxWaiting      = 64       // profiles that wait for a slow disk
	maxWaitingBytes = 64 << 20 // together; one is always let in

	// stalledWait is how long a call waits for a disk that was too slow for the
	// last one. A disk that works takes a tenth of it.
	stalledWait = time.Millisecond

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
	jobs    chan *job
	bytes   atomic.Int64 // of the profiles that wait
	stalled atomic.Bool  // since the last write ended, a caller has waited in vain

	garbage atomic.Int64 // bytes that were allocated and are not needed any more

	// The goroutine's own.
	store   *buffer.Store
	options buffer.Options
}

// job is one profile on its way to the disk, or, without text, somebody who
// wants to know when all before it are written.
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
func (w *writer) write(out *pieces, deadline time.Time, options *buffer.Options, unsent error) (Outcome, error) {
	late := passed(deadline)
	if late && out.size() > lateSize {
		return Lost, fmt.Errorf("%w; %w", ErrTimeUp, unsent)
	}
	w.litter(out.size() + garbagePerError)
	j, ok := w.enqueue(out, options)
	if !ok {
		return Lost, fmt.Errorf("%w; %w", ErrBusy, unsent)
	}
	if late {
		return Pending, fmt.Errorf("%w; %w", ErrTimeUp, unsent)
	}
	if !j.written.wait(w.patience(deadline)) {
		w.stalled.Store(true)
		return Pending, fmt.Errorf("the disk is slow; %w", unsent)
	}
	if j.err != nil {
		return Lost, fmt.Errorf("%w; %w", j.err, unsent)
	}
	return Buffered, fmt.Errorf("%w; the profile is in %s", unsent, j.dir)
}

func (w *writer) enqueue(out *pieces, options *buffer.Options) (*job, bool) {
	size := int64(out.size())
	if all := w.bytes.Add(size); all > size && all > maxWaitingBytes {
		w.bytes.Add(-size)
		return nil, false
	}
	j := &job{text: slices.Concat(out[:]...), options: options}
	if !w.offer(j) {
		w.bytes.Add(-size)
		return nil, false
	}
	return j, true
}

// patience is until when to wait for a write.
func (w *writer) patience(deadline time.Time) time.Time {
	if soon := time.Now().Add(stalledWait); w.stalled.Load() && soon.Before(deadline) {
		return soon
	}
	return deadline
}

// flush returns whether all that was handed over before is written or lost.
func (w *writer) flush(deadline time.Time) bool {
	if w.bytes.Load() == 0 {
		return true
	}
	j := &job{}
	for !w.offer(j) {
		if !time.Now().Before(deadline) {
			return false
		}
		unix.Nanosleep(&unix.Timespec{Nsec: int64(stalledWait)}, nil)
	}
	return j.written.wait(deadline)
}

// litter counts what a call has allocated. Collecting it is the writer's work,
// for Go would do it on the callers' threads, in their time.
func (w *writer) litter(size int) {
	if size > 0 && w.garbage.Add(int64(size)) > garbageLimit {
		w.offer(&job{})
	}
}

func (w *writer) offer(j *job) bool {
	select {
	case w.jobs <- j:
		return true
	default:
		return false
	}
}

func (w *writer) run() {
	for j := range w.jobs {
		if len(j.text) > 0 {
			w.handle(j)
		}
		j.written.set()
		w.stalled.Store(false)
		if w.garbage.Load() > garbageLimit {
			w.garbage.Store(0)
			runtime.GC()
		}
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
