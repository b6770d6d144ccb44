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

// listeners are the sockets that are kept between calls, one for each peer.
type listeners struct {
	mu     sync.Mutex
	byPeer map[peer]*listener

	backoffChanged func(isOn bool) // of one of them
}

// peer is where a listener is bound, and whose it must be.
type peer struct {
	path  string
	owner socket.Owner
}

// find returns the listener at path, or configured if path is "" or the same. Its owner is that of configured.
// The caller releases it.
func (ls *listeners) find(path string, configured *listener) *listener {
	if path == "" || path == configured.path {
		return configured.own()
	}
	return ls.get(peer{path, configured.owner})
}

// get returns the listener of p. The caller releases it.
func (ls *listeners) get(p peer) *listener {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if l := ls.byPeer[p]; l != nil {
		return l
	}
	p.path = string([]byte(p.path)) // it may be the caller's memory
	l := newListener(p, ls.backoffChanged)
	if len(ls.byPeer) >= maxListeners {
		l.once, l.backoffChanged = true, nil
		return l
	}
	if ls.byPeer == nil {
		ls.byPeer = make(map[peer]*listener)
	}
	ls.byPeer[p] = l
	return l
}

// listener is the receiver at one path, and our socket to it.
type listener struct {
	peer
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

func newListener(p peer, backoffChanged func(isOn bool)) *listener {
	return &listener{peer: p, socket: socket.Socket{Owner: p.owner}, backoffChanged: backoffChanged}
}

// own returns l, or, if its socket is not kept, one for this send alone: nobody
// else may be sending when it is closed.
func (l *listener) own() *listener {
	if l.once {
		own := newListener(l.peer, nil)
		own.once = true
		return own
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
