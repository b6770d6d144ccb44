package transmit

import (
	"runtime"
	"runtime/metrics"
	"sync/atomic"
)

const (
	// MemoryLimit is the argument of debug.SetMemoryLimit. At this size Go collects by itself, on callers' threads:
	// when a hung disk holds up the writer, or when one document leaves much garbage.
	MemoryLimit = 12 << 20

	// garbageLimit is how much garbage the writer lets accumulate. Go's own pacing has the same limit.
	garbageLimit = 4 << 20

	// callsPerLook is how many calls that leave garbage it takes to wake the writer. A call leaves at most about as many
	// bytes as a datagram has.
	callsPerLook = 64
)

// garbage decides when to collect. Go's own pacing is off, because it would collect on callers' threads, in their time.
// The writer collects instead, between profiles.
type garbage struct {
	calls atomic.Uint32

	// Used by the writer only.
	sample      [1]metrics.Sample
	collectedAt uint64 // bytes allocated since the start
}

func (g *garbage) allocated() uint64 {
	g.sample[0].Name = "/gc/heap/allocs:bytes"
	metrics.Read(g.sample[:])
	return g.sample[0].Value.Uint64()
}

// countGarbage counts a call that has left garbage.
func (w *writer) countGarbage() {
	if w.garbage.calls.Add(1)%callsPerLook == 0 {
		w.wakeup.call()
	}
}

// collect takes half a microsecond if there is little garbage.
func (w *writer) collect() {
	if allocated := w.garbage.allocated(); allocated-w.garbage.collectedAt > garbageLimit {
		runtime.GC()
		w.garbage.collectedAt = allocated
	}
}
