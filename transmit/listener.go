package transmit

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"

	socket "libtransmit/transmit/listener"
)

// maxListeners bounds the sockets that are kept. A host has one listener or a few; a send to any further one opens a
// socket for itself.
const maxListeners = 16

// listeners are the sockets that are kept between calls: one for each peer.
type listeners struct {
	mu     sync.Mutex
	byPeer map[peer]*listener

	backoffChanged func(isOn bool) // called when the back-off of one listener begins or ends
}

// peer is the path of a listener and the user that must own its socket.
type peer struct {
	path  string
	owner socket.Owner
}

// find returns the listener at path, or configured if path is "" or the same. Both have the same owner.
// The caller must release it.
func (ls *listeners) find(path string, configured *listener) *listener {
	if path == "" || path == configured.path {
		return configured.own()
	}
	return ls.get(peer{path, configured.owner})
}

// get returns the listener of p. The caller must release it.
func (ls *listeners) get(p peer) *listener {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if l := ls.byPeer[p]; l != nil {
		return l
	}
	p.path = string([]byte(p.path)) // path may be memory of the caller of Send
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

// listener is the program that is bound to one path, and our socket to it.
type listener struct {
	peer
	socket  socket.Socket
	backoff backoff
	once    bool // the socket is closed after one send

	backoffChanged func(isOn bool) // may be nil
}

func (l *listener) publishBackoff(isOn bool) {
	if l.backoffChanged != nil {
		l.backoffChanged(isOn)
	}
}

func newListener(p peer, backoffChanged func(isOn bool)) *listener {
	return &listener{peer: p, socket: socket.Socket{Owner: p.owner}, backoffChanged: backoffChanged}
}

// own returns l, or, if its socket is not kept, a copy with a socket for this send alone: no other goroutine may be
// sending when release closes the socket.
func (l *listener) own() *listener {
	if l.once {
		own := newListener(l.peer, nil)
		own.once = true
		return own
	}
	return l
}

// release closes the socket if it is not kept.
func (l *listener) release() {
	if l.once {
		l.socket.Close()
	}
}

// send offers the document to the listener until the deadline.
//
//	listener                             what happens
//	takes it                             returns nil
//	was restarted, or not connected yet  connects once and tries again
//	queue full                           connects again, because another listener may be
//	                                     bound to the path by now; then waits for room
//	queue full until the deadline        returns an error; later calls do not wait
//	too large, or any other error        returns the error
func (l *listener) send(out pieces, until time.Time) error {
	return l.attempt(func() unix.Errno { return l.socket.Send(out) }, until)
}

// attempt does what send does, with any function that sends.
func (l *listener) attempt(send func() unix.Errno, until time.Time) error {
	errno := send()
	if errno != 0 && socket.IsWorthConnecting(errno) {
		if errno := l.socket.Connect(l.path); errno != 0 {
			return socket.Failed("connect to", l.path, errno)
		}
		if errno != unix.EAGAIN { // then the peer may be the same as before
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
		l.publishBackoff(false)
	}
	return nil
}

// wait sends as soon as there is room in the queue. All workers of a host meet a full queue at the same time. So only
// one of them waits to its deadline, and after a time-out none waits for a while (backoff). The others wait briefly, and
// once more whenever the one has succeeded.
func (l *listener) wait(send func() unix.Errno, until time.Time) unix.Errno {
	if l.backoff.notice() {
		l.publishBackoff(true)
	}
	for {
		length, other := l.backoff.begin(l.path, until)
		if length == noWait {
			return unix.EAGAIN
		}
		if errno := l.waitUntil(send, length.end(until)); errno != unix.EAGAIN {
			return errno
		}
		if length == waitToDeadline {
			l.backoff.extend(l.path)
			count(WaitTimedOut)
			return unix.EAGAIN
		}
		if passed(until) || !l.backoff.hasEnded(l.path, other) {
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
