package transmit

import (
	"bytes"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"libtransmit/transmit/profile"
)

// Target is what C needs to send a trusted document without Go (door/try_send.c): the listener's path, the text of _meta
// after the timestamp, the limit in bytes of a document with its _meta, whether a call waits for the disk, and for how long.
// Source is what Configure was given, so that C recognizes the same settings. Number identifies them: see knownSettings.
type Target struct {
	Path, Meta   string
	MaxDatagram  int
	Source       []byte
	WaitsForDisk bool
	Timeout      time.Duration
	Number       int
}

// MaxTargets is how many targets C keeps.
const MaxTargets = 64

// knownSettings are those of C's targets, by their number. A profile that C hands over has the number of the settings of
// its call: they may have changed when the writer gets it.
type knownSettings [MaxTargets]atomic.Pointer[settings]

// number returns the number of settings that equal s. If there are none, s gets the next one, at most MaxTargets.
func (k *knownSettings) number(s *settings) int {
	for i := range k {
		if k[i].CompareAndSwap(nil, s) || k[i].Load().equals(s) {
			return i
		}
	}
	return len(k)
}

func (s *settings) equals(other *settings) bool {
	if !bytes.Equal(s.source, other.source) || s.listener.peer != other.listener.peer {
		return false
	}
	a, b := *s, *other
	a.listener, b.listener = nil, nil
	return reflect.DeepEqual(a, b) // omitted keys keep their values, so the same source has several meanings
}

// OnTarget makes t call publish with the new target after each Configure that has changed something, one call at a time.
// Call OnTarget before the first Configure.
func (t *Transmitter) OnTarget(publish func(*Target)) { t.publishTarget = publish }

func (s *settings) target(number int) *Target {
	t := &Target{
		Path:         s.listener.path,
		Meta:         profile.MetaText(s.phpVersion),
		MaxDatagram:  s.maxDatagram,
		WaitsForDisk: s.waitsForDisk,
		Timeout:      s.timeout,
		Source:       s.source,
		Number:       number,
	}
	if s.listener.owner.IsSet() {
		t.MaxDatagram = 0 // no document fits, so C passes all to Send: only that checks who owns the socket
	}
	return t
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
