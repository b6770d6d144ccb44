package transmit

import (
	"math"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// latch is set once, by one goroutine, and another one waits for that. A channel with a timer would start Go's
// network poller (see the package comment), so the wait is a futex(2).
type latch struct{ isSet atomic.Uint32 }

const (
	futexWaitPrivate = 128 // FUTEX_WAIT | FUTEX_PRIVATE_FLAG: futex(2)
	futexWakePrivate = 129
)

func (l *latch) set() {
	l.isSet.Store(1)
	wake(&l.isSet)
}

// wait returns whether the latch was set before the deadline.
func (l *latch) wait(deadline time.Time) bool {
	for l.isSet.Load() == 0 {
		left := time.Until(deadline)
		if left <= 0 {
			return false
		}
		timeout := unix.NsecToTimespec(int64(left))
		sleep(&l.isSet, 0, &timeout)
	}
	return true
}

// wakeup wakes the thread of one goroutine, any number of times. With a channel, Go's scheduler would first have to
// find a thread for the goroutine, which takes longer.
type wakeup struct {
	calls  atomic.Uint32 // how often it was called
	sleeps atomic.Uint32 // 1: the goroutine sleeps, or is about to
}

func (w *wakeup) call() {
	w.calls.Add(1)
	if w.sleeps.Load() != 0 {
		wake(&w.calls)
	}
}

// wait returns when there were more calls than seen.
func (w *wakeup) wait(seen uint32) {
	w.sleeps.Store(1)
	for w.calls.Load() == seen {
		sleep(&w.calls, seen, nil)
	}
	w.sleeps.Store(0)
}

// wake wakes all threads that sleep at word.
func wake(word *atomic.Uint32) {
	unix.RawSyscall(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWakePrivate, math.MaxInt32)
}

// sleep returns when wake is called, when the timeout ends, at once if word differs from expected, or for no reason.
func sleep(word *atomic.Uint32, expected uint32, timeout *unix.Timespec) {
	unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWaitPrivate, uintptr(expected),
		uintptr(unsafe.Pointer(timeout)), 0, 0)
}
