package transmit

import (
	"runtime"
	"runtime/metrics"
	"sync/atomic"
)

const (
	// MemoryLimit is for debug.SetMemoryLimit: there Go collects by itself, on the threads of
	// callers, while a hung disk keeps the writer, or for one document that leaves much.
	MemoryLimit = 12 << 20

	// garbageLimit is what the writer collects at once, as much as Go's own pacing does.
	garbageLimit = 4 << 20

	// callsPerLook is after how many calls that leave garbage the writer looks. One
	// leaves a datagram's worth at most, usually much less.
	callsPerLook = 64
)

// garbage says when to collect. Go's own pacing is switched off: it would do so on the
// callers' threads, in their time. The writer does it instead, between profiles.
type garbage struct {
	calls atomic.Uint32

	// The writer's own.
	sample      [1]metrics.Sample
	collectedAt uint64 // bytes allocated since the start
}

func (g *garbage) allocated() uint64 {
	g.sample[0].Name = "/gc/heap/allocs:bytes"
	metrics.Read(g.sample[:])
	return g.sample[0].Value.Uint64()
}

// countGarbage counts a call that has left some.
func (w *writer) countGarbage() {
	if w.garbage.calls.Add(1)%callsPerLook == 0 {
		w.bell.ring()
	}
}

// collect takes half a microsecond if there is little to collect.
func (w *writer) collect() {
	if allocated := w.garbage.allocated(); allocated-w.garbage.collectedAt > garbageLimit {
		runtime.GC()
		w.garbage.collectedAt = allocated
	}
}
