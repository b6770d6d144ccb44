package transmit

import (
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// handover moves the writer's thread to the CPU of a caller that waits for it. Otherwise the futex wakes the writer on
// another CPU, which may be halted, and the writer wakes the caller from there. That takes longer than writing the file.
// The caller sleeps at once, so its CPU is free.
type handover struct {
	thread atomic.Int64 // the writer's thread ID; 0: it has not started
	cpu    atomic.Int64 // the CPU that it is bound to, plus 1; 0: any
	all    unix.CPUSet  // the CPUs that it may use
	fails  atomic.Bool  // a sandbox refuses the system call
}

// own records the calling thread as the writer's.
func (h *handover) own() {
	if unix.SchedGetaffinity(0, &h.all) == nil {
		h.thread.Store(int64(unix.Gettid()))
	}
}

// bringHere binds the sleeping writer to the calling thread's CPU.
func (h *handover) bringHere() {
	thread := int(h.thread.Load())
	if thread == 0 || h.fails.Load() {
		return
	}
	var cpu, node uint32
	_, _, errno := unix.RawSyscall(unix.SYS_GETCPU, uintptr(unsafe.Pointer(&cpu)), uintptr(unsafe.Pointer(&node)), 0)
	if errno != 0 || h.cpu.Load() == int64(cpu)+1 {
		return
	}
	var only unix.CPUSet
	only.Set(int(cpu))
	if unix.SchedSetaffinity(thread, &only) != nil {
		h.fails.Store(true)
		return
	}
	h.cpu.Store(int64(cpu) + 1)
}

// letGo lets the writer run on any CPU, for work that no caller waits for.
func (h *handover) letGo() {
	if h.cpu.Load() != 0 && unix.SchedSetaffinity(0, &h.all) == nil {
		h.cpu.Store(0)
	}
}
