package transmit

import (
	"sync"
	"sync/atomic"

	"libtransmit/transmit/profile"
)

// Target is what C needs to send a trusted document without Go (door/try_send.c): the listener's path, the text of _meta
// after the timestamp, the limit in bytes of a document with its _meta, and whether a call waits for the disk. Source is
// what Configure was given, so that C recognizes the same settings.
type Target struct {
	Path, Meta   string
	MaxDatagram  int
	Source       []byte
	WaitsForDisk bool
}

// OnTarget makes t call publish with the new target after each Configure that has changed something, one call at a time.
// Call OnTarget before the first Configure.
func (t *Transmitter) OnTarget(publish func(*Target)) { t.publishTarget = publish }

func (s *settings) target() *Target {
	if s.listener.owner.IsSet() {
		// No document fits, so C passes all to Send: only that checks who owns the socket.
		return &Target{Path: s.listener.path, Source: s.source}
	}
	return &Target{
		Path:         s.listener.path,
		Meta:         profile.MetaText(s.phpVersion),
		MaxDatagram:  s.maxDatagram,
		WaitsForDisk: s.waitsForDisk,
		Source:       s.source,
	}
}

// wantsSends tells C whether Go must see the next document, although C could send it alone. Go must see it while a
// listener is in a back-off, which a success ends, and while a replay is due, which a success starts.
type wantsSends struct {
	waiting atomic.Int32 // listeners in a back-off

	mu      sync.Mutex
	publish func(wanted bool) // may be nil
}

// OnWantsSends makes t call publish when that may have changed, one call at a time. Call OnWantsSends before the first
// Send.
func (t *Transmitter) OnWantsSends(publish func(wanted bool)) { t.wantsSends.publish = publish }

// updateWantsSends must be called after each change of settings, replayer.due or waiting. Under the lock, the last call
// sees all changes.
func (t *Transmitter) updateWantsSends() {
	if t.wantsSends.publish == nil {
		return
	}
	t.wantsSends.mu.Lock()
	defer t.wantsSends.mu.Unlock()
	isReplayDue := t.settings.Load().replays && t.writer.replayer.due.Load()
	t.wantsSends.publish(isReplayDue || t.wantsSends.waiting.Load() > 0)
}

// backoffChanged counts the listeners in a back-off.
func (t *Transmitter) backoffChanged(isOn bool) {
	if isOn {
		t.wantsSends.waiting.Add(1)
	} else {
		t.wantsSends.waiting.Add(-1)
	}
	t.updateWantsSends()
}
