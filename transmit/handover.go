package transmit

import (
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// handover puts the writer's thread on the CPU of a caller that waits for it. A futex
// otherwise wakes another CPU, which may be halted, and is woken from there: that takes
// longer than the file. The caller sleeps at once, so its CPU is free.
type handover struct {
	thread atomic.Int64 // the writer's; 0: not yet
	cpu    atomic.Int64 // where it is, plus 1; 0: anywhere
	all    unix.CPUSet  // where it may be
	fails  atomic.Bool  // a sandbox refuses it
}

// own makes the calling thread the writer's.
func (h *handover) own() {
	if unix.SchedGetaffinity(0, &h.all) == nil {
		h.thread.Store(int64(unix.Gettid()))
	}
}

// bringHere moves the writer, which sleeps, to the calling thread's CPU.
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

// letGo lets the writer run anywhere, for work that no caller waits for.
func (h *handover) letGo() {
	if h.cpu.Load() != 0 && unix.SchedSetaffinity(0, &h.all) == nil {
		h.cpu.Store(0)
	}
}
