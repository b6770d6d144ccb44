package transmit

import (
	"sync/atomic"
	"time"
)

const (
	firstPause   = time.Second
	longestPause = 30 * time.Second
)

// backoff says whether to wait for a listener that has let us wait in vain. It
// needs no probe: every call still tries once, and the first that succeeds ends it.
type backoff struct {
	pause atomic.Int64 // how long the last one was; 0: none
	until atomic.Int64 // when it ends, since epoch
}

// epoch makes points in time of durations, which are read and written atomically.
var epoch = time.Now()

func (b *backoff) active() bool {
	return b.pause.Load() != 0 && int64(time.Since(epoch)) < b.until.Load()
}

// extend returns whether it was not on before.
func (b *backoff) extend() (begins bool) {
	pause := min(max(2*b.pause.Load(), int64(firstPause)), int64(longestPause))
	b.until.Store(int64(time.Since(epoch)) + pause)
	return b.pause.Swap(pause) == 0
}

// reset returns whether it was on.
func (b *backoff) reset() (ends bool) {
	return b.pause.Load() != 0 && b.pause.Swap(0) != 0
}
