package transmit

import (
	"bytes"
	"sync"
	"sync/atomic"

	socket "libtransmit/transmit/listener"
	"libtransmit/transmit/profile"
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
	descriptor int
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
	if l != s.listener || l.once || t.shortcut.publish == nil {
		return
	}
	if o := t.shortcut.opened.Load(); o != nil && o.settings == s && l.socket.IsOpen(o.descriptor) {
		return
	}
	t.shortcut.mu.Lock()
	defer t.shortcut.mu.Unlock()
	// Another thread may have configured, or waited in vain, in the meantime.
	isReplayDue := s.replays && t.writer.replayer.due.Load()
	if t.settings.Load() == s && l.backoff.pause.Load() == 0 && !isReplayDue {
		if fd, ok := l.socket.Mark(); ok {
			t.shortcut.opened.Store(&opened{s, fd})
			t.shortcut.publish(s.shortcut(fd))
		}
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

func (s *settings) shortcut(fd int) *Shortcut {
	notEmpty, _ := profile.OutlineTrusted([]byte(`{"":0}`))
	_, name, _ := notEmpty.Around([]byte(`{"":0}`))
	meta := profile.AppendMeta([]byte(name), 0, s.phpVersion, 0, profile.Marks{})
	before, after, _ := bytes.Cut(meta, []byte("0.000000"))
	return &Shortcut{
		Descriptor: fd, Mark: socket.Mark, MaxDatagram: s.maxDatagram, Path: s.listener.path,
		BeforeTime: before, AfterTime: append(after, '}'),
	}
}
