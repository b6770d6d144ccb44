package transmit

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"

	socket "libtransmit/transmit/listener"
)

// maxListeners bounds the sockets that are kept: a host has one listener, or a
// few in tests. Others get a socket for one send.
const maxListeners = 16

// listeners are the sockets that are kept between calls, one for each path.
type listeners struct {
	mu     sync.Mutex
	byPath map[string]*listener

	backoffChanged func(isOn bool) // of one of them
}

// find returns the listener at path, or configured if path is "" or the same.
// The caller releases it.
func (ls *listeners) find(path string, configured *listener) *listener {
	if path == "" || path == configured.path {
		return configured.own()
	}
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if l := ls.byPath[path]; l != nil {
		return l
	}
	l := ls.newListener(path)
	if len(ls.byPath) >= maxListeners {
		l.once, l.backoffChanged = true, nil
		return l
	}
	if ls.byPath == nil {
		ls.byPath = make(map[string]*listener)
	}
	ls.byPath[l.path] = l
	return l
}

// listener is the receiver at one path, and our socket to it.
type listener struct {
	path    string
	socket  socket.Socket
	backoff backoff
	once    bool

	backoffChanged func(isOn bool) // nil: nobody wants to know
}

func (l *listener) noteBackoff(isOn bool) {
	if l.backoffChanged != nil {
		l.backoffChanged(isOn)
	}
}

func (ls *listeners) newListener(path string) *listener {
	// path may be the caller's memory.
	return &listener{path: string([]byte(path)), backoffChanged: ls.backoffChanged}
}

// own returns l, or, if its socket is not kept, one for this send alone: nobody
// else may be sending when it is closed.
func (l *listener) own() *listener {
	if l.once {
		return &listener{path: l.path, once: true}
	}
	return l
}

// release gives the socket back if it is not kept.
func (l *listener) release() {
	if l.once {
		l.socket.Close()
	}
}

// send offers the document to the listener until the deadline.
//
//	listener                             what happens
//	takes it                             nil
//	was restarted, or not yet known      connects once, tries again
//	queue full                           connects anew (another may be bound to
//	                                     the path by now), waits for room
//	queue was full until the deadline    error; the next calls do not wait
//	too large, or anything else          error
func (l *listener) send(out pieces, until time.Time) error {
	return l.attempt(func() unix.Errno { return l.socket.Send(out) }, until)
}

// attempt is send's way for whatever is sent.
func (l *listener) attempt(send func() unix.Errno, until time.Time) error {
	errno := send()
	if errno != 0 && socket.IsWorthConnecting(errno) {
		if errno := l.socket.Connect(l.path); errno != 0 {
			return socket.Failed("connect to", l.path, errno)
		}
		if errno != unix.EAGAIN { // the socket may be the one of before
			count(Connected)
		}
		errno = send()
	}
	if errno == unix.EAGAIN {
		errno = l.wait(send, until)
	}
	if errno != 0 {
		return socket.Failed("send to", l.path, errno)
	}
	if l.backoff.reset(l.path) {
		l.noteBackoff(false)
	}
	return nil
}

// wait sends as soon as there is room in the queue. All workers of a host meet a
// wedged listener at once: one of them waits, and after a wait that timed out none
// does for a while. The others wait for a moment, and again while the one gets through.
func (l *listener) wait(send func() unix.Errno, until time.Time) unix.Errno {
	if l.backoff.notice() {
		l.noteBackoff(true)
	}
	for {
		turn, whose := l.backoff.begin(l.path, until)
		if turn == noWait {
			return unix.EAGAIN
		}
		if errno := l.waitUntil(send, turn.end(until)); errno != unix.EAGAIN {
			return errno
		}
		if turn == itsTurn {
			l.backoff.extend(l.path)
			count(WaitInVain)
			return unix.EAGAIN
		}
		if passed(until) || !l.backoff.hasEnded(l.path, whose) {
			return unix.EAGAIN
		}
	}
}

func (l *listener) waitUntil(send func() unix.Errno, end time.Time) unix.Errno {
	for l.socket.AwaitRoom(end) {
		if errno := send(); errno != unix.EAGAIN {
			return errno
		}
	}
	return unix.EAGAIN
}
