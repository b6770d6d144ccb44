package transmit

import (
	"sync"
	"sync/atomic"

	"libtransmit/transmit/profile"
)

// Target is what a caller needs to send a document that nobody checks by itself, without Send: to the listener at Path,
// up to MaxDatagram bytes with its _meta, in which Meta stands behind the timestamp.
type Target struct {
	Path, Meta  string
	MaxDatagram int
}

// OnTarget makes t call publish, one call at a time, with the target of each Configure that has changed something. To be
// called before the first.
func (t *Transmitter) OnTarget(publish func(*Target)) { t.publishTarget = publish }

func (s *settings) target() *Target {
	if s.listener.owner.IsSet() {
		return &Target{} // whose socket it is, only Send looks at
	}
	return &Target{Path: s.listener.path, Meta: profile.MetaText(s.phpVersion), MaxDatagram: s.maxDatagram}
}

// attention knows whether Send has to see the next document, although a caller could send it by itself: it ends a
// back-off, or it begins a replay that is due.
type attention struct {
	waiting atomic.Int32 // listeners in a back-off

	mu      sync.Mutex
	publish func(wanted bool) // nil: nobody wants to know
}

// OnWanted makes t call publish, one call at a time, when that may have changed. To be called before the first Send.
func (t *Transmitter) OnWanted(publish func(wanted bool)) { t.attention.publish = publish }

// updateWanted is called after each change of what it depends on. Under the lock, the last call sees all changes.
func (t *Transmitter) updateWanted() {
	if t.attention.publish == nil {
		return
	}
	t.attention.mu.Lock()
	defer t.attention.mu.Unlock()
	isReplayDue := t.settings.Load().replays && t.writer.replayer.due.Load()
	t.attention.publish(isReplayDue || t.attention.waiting.Load() > 0)
}

// backoffChanged counts the listeners in a back-off.
func (t *Transmitter) backoffChanged(isOn bool) {
	if isOn {
		t.attention.waiting.Add(1)
	} else {
		t.attention.waiting.Add(-1)
	}
	t.updateWanted()
}
