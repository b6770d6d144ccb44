package transmit

import (
	"math"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// event happens once. Unlike a channel with a timer it is waited for in the
// kernel: Go's timers would start the network poller (see the package comment).
type event struct{ happened atomic.Uint32 }

const (
	futexWaitPrivate = 128 // FUTEX_WAIT | FUTEX_PRIVATE_FLAG: futex(2)
	futexWakePrivate = 129
)

func (e *event) set() {
	e.happened.Store(1)
	unix.RawSyscall(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&e.happened)), futexWakePrivate, math.MaxInt32)
}

// wait returns whether the event happened before the deadline.
func (e *event) wait(deadline time.Time) bool {
	for e.happened.Load() == 0 {
		left := time.Until(deadline)
		if left <= 0 {
			return false
		}
		timeout := unix.NsecToTimespec(int64(left))
		unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&e.happened)), futexWaitPrivate, 0,
			uintptr(unsafe.Pointer(&timeout)), 0, 0)
	}
	return true
}
