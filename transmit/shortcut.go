package transmit

import (
	"bytes"
	"sync"
	"sync/atomic"
)

// Shortcut is what a caller needs to send a document that nobody checks without
// Send, as long as nothing is in the way: the configured listener took the last
// one. It tries once, without blocking, and only if fcntl(F_GETSIG) of Descriptor
// still gives Mark; whatever else happens is Send's, from the start.
type Shortcut struct {
	Descriptor, Mark int
	MaxDatagram      int
	Path             string
	// What replaces the last brace of a document that gets a _meta, before and
	// after the time.
	BeforeTime, AfterTime []byte
}

// shortcut says when there is one. A success of Send opens it; a failure closes
// it, and so do other settings. So it is never there during a back-off, which only
// Send can end, nor while a replay is due, which only Send begins.
type shortcut struct {
	mu      sync.Mutex
	publish func(*Shortcut) // nil: nobody wants it
	opened  atomic.Pointer[opened]
}

// opened is what the shortcut was made of.
type opened struct {
	settings   *settings
	descriptor *descriptor
}

// OnShortcut makes t call publish, one call at a time, whenever there is another
// shortcut, or none: nil. To be called before the first Send.
func (t *Transmitter) OnShortcut(publish func(*Shortcut)) { t.shortcut.publish = publish }

// noted opens or closes the shortcut after a send.
func (t *Transmitter) noted(s *settings, l *listener, err error) error {
	if err == nil {
		t.noteSuccess(s, l)
	} else {
		t.closeShortcut()
	}
	return err
}

// noteSuccess opens the shortcut after a send with these settings. Usually it is open.
func (t *Transmitter) noteSuccess(s *settings, l *listener) {
	d := l.socket.open.Load()
	if l != s.listener || l.once || d == nil || t.shortcut.publish == nil {
		return
	}
	if o := t.shortcut.opened.Load(); o != nil && o.settings == s && o.descriptor == d {
		return
	}
	t.shortcut.mu.Lock()
	defer t.shortcut.mu.Unlock()
	// Another thread may have configured, or waited in vain, in the meantime.
	isReplayDue := s.replays && t.writer.replayer.due.Load()
	if t.settings.Load() == s && l.backoff.pause.Load() == 0 && !isReplayDue && d.mark() {
		t.shortcut.opened.Store(&opened{s, d})
		t.shortcut.publish(s.shortcut(d))
	}
}

// closeShortcut is called when what shall keep it closed is to be seen already.
func (t *Transmitter) closeShortcut() {
	if t.shortcut.publish == nil {
		return
	}
	t.shortcut.mu.Lock()
	defer t.shortcut.mu.Unlock()
	if t.shortcut.opened.Swap(nil) != nil {
		t.shortcut.publish(nil)
	}
}

func (s *settings) shortcut(d *descriptor) *Shortcut {
	notEmpty := outline{object: span{0, 1}}
	_, name := notEmpty.metaPlace()
	meta := appendMeta([]byte(name), 0, s.phpVersion, marks{})
	before, after, _ := bytes.Cut(meta, appendSeconds(nil, 0))
	return &Shortcut{
		Descriptor: d.fd, Mark: mark, MaxDatagram: s.maxDatagram, Path: s.listener.path,
		BeforeTime: before, AfterTime: append(after, '}'),
	}
}
